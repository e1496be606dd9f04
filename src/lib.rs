//! suppressd learns which recipients bounced for good or complained, and answers Postfix while a message is accepted.
pub mod address;
pub mod event;
pub mod ingress;
pub mod outcome;
pub mod status;

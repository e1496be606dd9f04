use std::env as _;

//! Who may be on the list: Bloom filters, 2 bytes an entry.
//!
//! They may take a stranger for a member, never the other way round. Nothing is ever taken out of one; it is made anew.

use fastbloom::BloomFilter;
use foldhash::quality::RandomState;
use memchr::memchr_iter;

use super::forgotten::HashKey;
use crate::address::Address;

/// Bits of a filter for each key.
const BITS: usize = 16;
/// Most of them that are set for a key: one stranger in 400 is taken for a member. With twelve it would be one in 2,000, but of a
/// long list each that is looked at is in no cache of the processor.
const MAX_HASHES: usize = 4;
/// Largest filter, in bits: 32 MiB, full at 16 million keys. With more, more strangers are taken for members.
const MAX_BITS: usize = 32 << 23;
/// Smallest number of keys that a filter is made for.
const MIN_KEYS: usize = 4096;

/// Addresses apart from domains, of which there are few: what is asked for of them stays in the processor's cache.
pub(super) struct Members {
    addresses: Filter,
    domains: Filter,
}

struct Filter {
    keys: usize,
    /// Number of keys that it is made for.
    room: usize,
    bits: BloomFilter<RandomState>,
}

impl Members {
    /// For at least as many as there are now.
    pub(super) fn with_room(addresses: usize, domains: usize) -> Self {
        Self { addresses: Filter::with_room(addresses), domains: Filter::with_room(domains) }
    }

    /// Takes a key of table suppression, or the hash of a forgotten address.
    pub(super) fn add(&mut self, key: &str) {
        let key = key.to_ascii_lowercase(); // as COLLATE NOCASE
        match key.strip_prefix('@') {
            Some(above) if above.starts_with('.') => self.domains.add(above),
            Some(_) => self.domains.add(&key),
            None => self.addresses.add(&key),
        }
    }

    /// Whether an entry may hold for an address: its own, one of its domain or of a domain above, or the hash that is left of it.
    pub(super) fn may_hold(&self, address: &Address, hash_key: Option<&HashKey>) -> bool {
        self.addresses.holds(address.as_str())
            || self.domains.holds(address.domain_key())
            || above(address.domain()).any(|domain| self.domains.holds(domain))
            || hash_key.is_some_and(|key| self.addresses.holds(&key.hash(address.as_str())))
    }

    /// How many addresses and hashes were added.
    pub(super) const fn addresses(&self) -> usize {
        self.addresses.keys
    }

    /// Whether there are more than it was made for.
    pub(super) const fn are_too_many(&self) -> bool {
        self.addresses.keys > self.addresses.room || self.domains.keys > self.domains.room
    }
}

impl Filter {
    fn with_room(keys: usize) -> Self {
        let room = keys.max(MIN_KEYS).saturating_mul(5) / 4;
        let bits = room.saturating_mul(BITS).min(MAX_BITS);
        // The number that tells best is ln 2 times the bits of a key.
        let hashes = (bits * 69).div_ceil(room.saturating_mul(100)).min(MAX_HASHES) as u32;
        let empty = BloomFilter::with_num_bits(bits).hasher(RandomState::default());
        Self { keys: 0, room, bits: empty.hashes(hashes) }
    }

    fn holds(&self, key: &str) -> bool {
        self.bits.contains(key)
    }

    fn add(&mut self, key: &str) {
        self.bits.insert(key);
        self.keys += 1;
    }
}

/// The domains above this one, each with a dot before it: as an entry `@.example.com` is kept in the filter.
fn above(domain: &str) -> impl Iterator<Item = &str> {
    memchr_iter(b'.', domain.as_bytes()).filter_map(|dot| domain.get(dot..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_known_and_few_strangers_are() {
        let mut filter = Filter::with_room(20_000);
        for n in 0..filter.room {
            filter.add(&format!("user{n}@example.com"));
        }
        assert!((0..filter.room).all(|n| filter.holds(&format!("user{n}@example.com"))));
        let taken = (0..100_000).filter(|n| filter.holds(&format!("stranger{n}@example.com"))).count();
        // One in 400 is expected; twice as many are ten standard deviations off.
        assert!((1..500).contains(&taken), "{taken}");
    }

    #[test]
    fn of_a_list_that_outgrew_its_filter_most_strangers_are_still_known() {
        let hundred_million = Filter::with_room(100_000_000);
        assert_eq!((hundred_million.bits.num_bits(), hundred_million.bits.num_hashes()), (MAX_BITS, 2));
        assert_eq!(Filter::with_room(0).bits.num_hashes(), 4);
    }
}

//! Links between two hosts that lose, delay, double or cut; systems that cannot accept.

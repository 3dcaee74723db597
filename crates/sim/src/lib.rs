//! Servers on a simulated disk: faults, crashes and checkers, all from one seed.

#![forbid(unsafe_code)]

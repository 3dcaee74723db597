//! End-to-end tests by capability. Everything is in `tests/`; the fixtures are `dunlin-testkit`,
//! the recorded replies of a real server are in `oracle/`.

#![forbid(unsafe_code)]

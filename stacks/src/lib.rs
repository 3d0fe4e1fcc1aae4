//! Sessions with other people's frameworks, session crates and pools: the programs are in `examples/`, the tests in `tests/`.

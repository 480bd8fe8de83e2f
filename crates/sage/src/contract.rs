//! The contract that every adapter of the port keeps, as one suite that each adapter's
//! tests call. An adapter that passes may be put under the engine; nothing else may.

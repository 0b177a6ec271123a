//! guest-proc

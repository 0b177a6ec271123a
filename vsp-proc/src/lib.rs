//! vsp-proc

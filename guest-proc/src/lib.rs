//! The guest machine: everything an Itanium guest sees beyond its processors, and the process that runs one guest.

pub mod pci;

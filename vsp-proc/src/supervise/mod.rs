//! Guests as processes: what may happen to one ([`guest`]), how one is made ([`launch`]) or found again ([`record`],
//! [`attach`]), and the threads that listen to one that runs ([`run`]).

pub(crate) mod adapters;
mod attach;
pub(crate) mod change;
pub(crate) mod guest;
mod inherit;
pub(crate) mod launch;
pub(crate) mod record;
pub(crate) mod run;

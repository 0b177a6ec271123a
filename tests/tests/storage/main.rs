//! The storage of the VSP as a real Linux/ia64 finds it: what its `sg3-utils` say, hundreds of disks, several guests, discs,
//! space given back, errors of the host. Needs the images of `../shared/guests`; without them each story says `skipped:`.

mod attached;
mod burning;
mod conformance;
mod deaths;
mod disc;
mod host;
mod many;
mod reservations;
mod space;
mod survival;

/// Prints the line by which CI sees that a story against the real system ran to its end.
fn checked(what: &str) {
    println!("checked: {what}");
}

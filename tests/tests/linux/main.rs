//! A real Linux/ia64 on the machine: its own checks of processor, kernel and C library, its stress test, and disks that
//! keep what they were given. Needs the images of `../shared/guests`; without them each story says `skipped:` and ends.

mod disks;
mod machine;
mod run;

/// Prints the line by which CI sees that a story against the real system ran to its end.
fn checked(what: &str) {
    println!("checked: {what}");
}

//! `guest-proc managed` told nonsense by whoever started it: it says why it cannot run, and ends.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use ipc::guest::{AdapterStart, ExitReason, GuestStart, GuestToVsp, VspEnd, VspToGuest};
use ipc::{Hello, Role, codec};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use proptest::prelude::*;
use rustix::io::{FdFlags, fcntl_setfd};
use tempfile::TempDir;
use uuid::Uuid;

/// A guest process and the other end of its control socket.
struct Managed {
    process: Child,
    control: UnixStream,
}

impl Managed {
    fn start() -> Managed {
        let (ours, theirs) = UnixStream::pair().unwrap();
        // Other tests' processes may inherit it, too; they have no use for it.
        fcntl_setfd(&theirs, FdFlags::empty()).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_guest-proc"))
            .args(["managed", "--control-fd", &theirs.as_raw_fd().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Managed { process, control: ours }
    }

    /// Its exit status and what it complained of; it must end by itself.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.control);
        let mut text = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (self.process.wait().unwrap().code(), text)
    }
}

/// What belongs to a start of this kind, in its order; of `odd` ones another kind of descriptor than belongs there.
fn descriptors(start: &GuestStart, directory: &TempDir, odd: &[bool]) -> Vec<OwnedFd> {
    let file = |name: &str| OwnedFd::from(File::create_new(directory.path().join(name)).unwrap());
    let listener = || {
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        bind(socket.as_raw_fd(), &UnixAddr::new(&directory.path().join("socket")).unwrap()).unwrap();
        socket
    };
    let mut all = vec![file("kernel")];
    if start.has_initrd {
        all.push(file("initrd"));
    }
    // Nobody is at the other end of an adapter.
    all.extend(start.adapters.iter().map(|_| OwnedFd::from(UnixStream::pair().unwrap().0)));
    all.extend([listener(), file("console"), file("words")]);
    for (number, (fd, odd)) in all.iter_mut().zip(odd).enumerate() {
        if *odd {
            *fd = match number % 2 {
                0 => OwnedFd::from(UnixStream::pair().unwrap().0),
                _ => file(&format!("odd{number}")),
            };
        }
    }
    all
}

fn starts() -> impl Strategy<Value = GuestStart> {
    let memory = prop_oneof![Just(64 << 20), Just(0), Just(1), Just(65 << 20), Just(u64::MAX), any::<u64>()];
    let vcpus = prop_oneof![1..=16u32, Just(0), Just(17), Just(u32::MAX)];
    let adapter = (any::<u8>(), any::<u8>(), any::<u16>())
        .prop_map(|(bus, slot, request_queues)| AdapterStart { bus, slot, request_queues });
    let low = (0..8u8, 0..2u8, 0..3u16).prop_map(|(bus, slot, request_queues)| AdapterStart {
        bus,
        slot,
        request_queues,
    });
    let adapters = prop::collection::vec(prop_oneof![adapter, low], 0..3);
    (memory, vcpus, ".{0,40}", any::<bool>(), adapters).prop_map(
        |(memory_bytes, vcpus, append, has_initrd, adapters)| GuestStart {
            name: "ivm1".into(),
            number: 1,
            uuid: Uuid::nil(),
            memory_bytes,
            vcpus,
            append,
            has_initrd,
            adapters,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The kernel image is empty, so none of these can run.
    #[test]
    fn a_start_that_cannot_be_is_refused_in_words(
        start in starts(),
        odd in prop::collection::vec(prop::bool::weighted(0.1), 8),
        missing in prop_oneof![3 => Just(0usize), 1 => 1..3usize],
    ) {
        let directory = TempDir::new().unwrap();
        let managed = Managed::start();
        let control = managed.control.try_clone().unwrap();
        let (mut sender, mut receiver) = VspEnd::open(control, Role::Vsp, Role::Guest).unwrap().split();
        let mut descriptors = descriptors(&start, &directory, &odd);
        descriptors.truncate(descriptors.len() - missing);
        let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        sender.send_with(&VspToGuest::Start(Box::new(start)), &borrowed).unwrap();
        drop(sender);
        let last = std::iter::from_fn(|| receiver.receive().ok()).last();
        let (status, complaint) = managed.end();
        prop_assert_eq!(status, Some(1));
        prop_assert!(!complaint.contains("panicked"), "{}", complaint);
        let is_told = matches!(last, Some(GuestToVsp::Exiting(ExitReason::Failed(_))));
        prop_assert!(is_told, "{:?}", last);
    }

    #[test]
    fn noise_in_place_of_the_first_message_ends_it(
        greets in any::<bool>(),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut managed = Managed::start();
        if greets {
            let hello = Hello { version: codec::PROTOCOL_VERSION, role: Role::Vsp, build: "9".into() };
            managed.control.write_all(&codec::encode(codec::HELLO_VERSION, &hello).unwrap()).unwrap();
        }
        // It may hang up before it has read all.
        let _ = managed.control.write_all(&noise);
        let (status, complaint) = managed.end();
        prop_assert_eq!(status, Some(1));
        prop_assert!(!complaint.contains("panicked"), "{}", complaint);
    }
}

//! The VSP's local socket in a directory of its own.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use interprocess::local_socket::{self as local, prelude::*};

use crate::{Access, Error, Peer, Result};

/// Longest path of a local socket in bytes, with the terminating zero (`sun_path` of Linux).
const MAX_PATH: usize = 108;

/// A listening local socket that only those its [`Access`] names can reach. Dropping it removes the socket file.
pub struct Listener {
    inner: local::Listener,
    path: PathBuf,
}

impl Listener {
    /// Listens at `path`, making its directory for the owner alone; the configured group can pass it. A socket file that is
    /// already there is replaced: the caller holds the lock that makes him the only one.
    ///
    /// # Errors
    /// [`Error::PathTooLong`], [`Error::Io`].
    pub fn bind(path: &Path, access: Access) -> Result<Listener> {
        check_length(path)?;
        let directory = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // Members go through the directory, to a socket whose name they know.
        let (directory_mode, socket_mode) = match access.group {
            Some(_) => (0o710, 0o660),
            None => (0o700, 0o600),
        };
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        let inner = local::ListenerOptions::new().name(name(path)?).create_sync()?;
        for (path, mode) in [(path, socket_mode), (directory, directory_mode)] {
            // The group first: a mode is never in force for another one.
            chown(path, Some(access.owner), access.group)?;
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        Ok(Listener { inner, path: path.into() })
    }

    /// Waits for a peer. Whether he may talk to us is for [`Access::check`] to say, where that may take its time.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn accept(&self) -> Result<(UnixStream, Peer)> {
        let stream = into_unix(self.inner.accept()?);
        let peer = Peer::of(&stream)?;
        Ok((stream, peer))
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Connects to the socket at `path`.
///
/// # Errors
/// [`Error::PathTooLong`], or [`Error::Io`] if nobody listens there.
pub fn connect(path: &Path) -> Result<UnixStream> {
    check_length(path)?;
    Ok(into_unix(local::Stream::connect(name(path)?)?))
}

fn name(path: &Path) -> Result<local::Name<'_>> {
    Ok(path.to_fs_name::<local::GenericFilePath>()?)
}

fn check_length(path: &Path) -> Result<()> {
    if path.as_os_str().len() < MAX_PATH {
        Ok(())
    } else {
        Err(Error::PathTooLong(path.display().to_string()))
    }
}

fn into_unix(stream: local::Stream) -> UnixStream {
    let local::Stream::UdSocket(stream) = stream;
    UnixStream::from(OwnedFd::from(stream))
}

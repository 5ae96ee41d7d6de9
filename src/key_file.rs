//! Secrets in files that only their owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

/// The file's text, if there is a file.
pub fn read(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file that was not there, whole or not at all, readable by its owner only, and on disk before this returns.
/// Leaves one that is there as it is, and answers false.
pub fn write_new(path: &Path, text: &str) -> io::Result<bool> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let hidden = path.with_extension(crate::ids::new_id().to_string());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&hidden)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    // Linking fails where a name is taken; renaming would not.
    let linked = fs::hard_link(&hidden, path);
    fs::remove_file(&hidden)?;
    fs::File::open(directory)?.sync_all()?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

//! What is read of files from elsewhere, and what is not.

use super::*;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

#[test]
fn only_regular_files_are_read_and_nobody_waits_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "text").unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("file", at("link")).unwrap();
    symlink("nothing", at("dangling")).unwrap();
    symlink("socket", at("link-to-socket")).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    for (name, expected) in [
        ("file", "Ok(\"text\")"),
        ("link", "Ok(\"text\")"),
        ("folder", "not a regular file, but a folder"),
        ("socket", "not a regular file, but a socket"),
        ("link-to-socket", "not a regular file, but a socket"),
        ("/dev/zero", "not a regular file, but a device"),
        ("dangling", "No such file"),
    ] {
        let said = match read_text(&at(name), 100) {
            Ok(text) => format!("Ok({text:?})"),
            Err(error) => error.to_string(),
        };
        assert!(said.starts_with(expected), "{name}: {said}");
    }
    assert_eq!(read(&at("nothing"), 1).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_is_read_up_to_its_bound_and_a_sparse_one_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "12345").unwrap();
    assert_eq!(read(&path, 5).unwrap(), b"12345");
    assert!(read(&path, 4).unwrap_err().to_string().starts_with("longer than"));
    // A tebibyte that no disk holds: were it read, the test would end here.
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let said = read(&path, PAGE_MAX).unwrap_err().to_string();
    assert_eq!(said, "longer than the 256 MiB that are read");
    fs::write(&path, b"caf\xe9").unwrap();
    assert_eq!(read_text(&path, 100).unwrap_err().to_string(), "no UTF-8 text");
}

#[test]
fn what_lies_in_a_folder_does_not_lead_out_of_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("run");
    fs::create_dir_all(folder.join("below")).unwrap();
    fs::write(home.path().join("secret"), "secret").unwrap();
    fs::write(folder.join("own"), "own").unwrap();
    symlink("../own", folder.join("below/inside")).unwrap();
    symlink("../secret", folder.join("outside")).unwrap();
    symlink("..", folder.join("up")).unwrap();
    symlink("/dev/zero", folder.join("device")).unwrap();
    symlink("run", home.path().join("latest")).unwrap();
    // The folder itself may be a link, as `latest` and each baseline are.
    for folder in [&folder, &home.path().join("latest")] {
        let read = |name: &str| read_text_within(folder, name, 100);
        assert_eq!(read("own").unwrap(), "own");
        assert_eq!(read("below/inside").unwrap(), "own");
        for name in ["outside", "up/secret", "../secret", "/etc/passwd"] {
            let said = read(name).unwrap_err().to_string();
            assert!(said.starts_with("it leads out of "), "{name}: {said}");
        }
        assert_eq!(read("device").unwrap_err().to_string(), "not a regular file, but a device");
        assert_eq!(read("none").unwrap_err().kind(), ErrorKind::NotFound);
    }
}

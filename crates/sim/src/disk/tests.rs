//! The disk as the jobs see it.

use super::*;

fn path(text: &str) -> &Path {
    Path::new(text)
}

/// Writes a file the careful way; stops at the first error.
fn save(disk: &SimDisk, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk.create(path("temp"))?;
    file.write_all(bytes)?;
    file.sync()?;
    disk.rename(path("temp"), path("saved"))?;
    disk.sync_directory(path("."))
}

fn read_all(disk: &SimDisk, name: &str) -> io::Result<Vec<u8>> {
    let mut file = disk.open(path(name))?;
    let mut all = Vec::new();
    let mut buffer = [0; 100];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

#[test]
fn a_careful_save_survives_a_crash_at_every_call() {
    for seed in 0..400 {
        let mut random = Rng::with_seed(seed);
        let disk = SimDisk::new(seed);
        save(&disk, b"first").expect("no faults yet");
        disk.power_off_after(random.u64(..6));
        let second = vec![b'2'; 2000];
        let saved = save(&disk, &second).is_ok();
        let found = disk.crash(&mut random).content("saved").expect("a file of that name");
        let whole = found == second || (!saved && found == b"first");
        assert!(whole, "seed {seed}: {} bytes\n{}", found.len(), disk.log());
    }
}

#[test]
fn a_careless_save_is_found_out() {
    let mut seen = [false; 4];
    for seed in 0..200 {
        let mut random = Rng::with_seed(seed);
        let disk = SimDisk::new(seed);
        save(&disk, b"first").expect("no faults");
        let mut file = disk.create(path("temp")).expect("created");
        file.write_all(&[b'2'; 2000]).expect("written");
        disk.rename(path("temp"), path("saved")).expect("renamed");
        let found = disk.crash(&mut random).content("saved").expect("one of the two");
        match found.len() {
            5 => seen[0] = true,
            0 => seen[1] = true,
            2000 if found.contains(&0) => seen[2] = true,
            2000 => {}
            _ => seen[3] = true,
        }
    }
    assert_eq!(seen, [true; 4], "a lost rename, an empty file, holes, a short file");
}

#[test]
fn a_kill_keeps_what_was_written() {
    let disk = SimDisk::new(1);
    let mut file = disk.append(path("log")).expect("opened");
    file.write_all(b"written").expect("written");
    let next = disk.kill();
    assert_eq!(next.content("log").expect("there"), b"written");
    assert!(file.write(b"ghost").is_err());
    assert!(disk.open(path("log")).is_err());
    assert_eq!(read_all(&next, "log").expect("read"), b"written");
}

#[test]
fn handles_of_a_machine_without_power_do_nothing() {
    let disk = SimDisk::new(1);
    let mut file = disk.append(path("log")).expect("opened");
    file.write_all(b"written").expect("written");
    file.sync().expect("synced");
    disk.sync_directory(path("")).expect("synced");
    let found = disk.crash(&mut Rng::with_seed(1));
    assert!(disk.is_off() && !found.is_off());
    assert!(file.write(b"ghost").is_err() && file.sync().is_err());
    assert_eq!(found.content("log").expect("there"), b"written");
}

#[test]
fn a_lock_is_for_one_handle_and_ends_with_it() {
    let disk = SimDisk::new(1);
    let other = disk.another_process();
    let mut mine = disk.append(path("lock")).expect("opened");
    let mut theirs = other.append(path("lock")).expect("opened");
    assert!(mine.lock().expect("locked") && mine.lock().expect("still"));
    assert!(!theirs.lock().expect("asked"));
    drop(mine);
    assert!(theirs.lock().expect("asked"));
    let after = other.kill();
    let mut next = after.append(path("lock")).expect("opened");
    assert!(next.lock().expect("the dead hold nothing"));
}

#[test]
fn a_full_disk_takes_part_of_a_write_and_then_nothing() {
    let disk = SimDisk::new(1);
    disk.set_capacity_bytes(Some(10));
    let mut file = disk.create(path("a")).expect("created");
    assert_eq!(file.write(b"123456").expect("fits"), 6);
    assert_eq!(file.write(b"123456").expect("fits in part"), 4);
    assert_eq!(file.write(b"1").expect_err("full").kind(), io::ErrorKind::StorageFull);
    file.truncate(3).expect("shorter");
    assert_eq!(disk.content("a").expect("there"), b"123");
    // A file that is removed takes its room until it is closed.
    disk.remove(path("a")).expect("removed");
    let mut other = disk.create(path("b")).expect("created");
    assert_eq!(other.write(b"1234567890").expect("fits in part"), 7);
    drop(file);
    assert_eq!(other.write(b"890").expect("fits"), 3);
}

#[test]
fn faults_on_demand() {
    let disk = SimDisk::new(1);
    disk.fail(Call::Write, "a", 0, 1, Fault::Short);
    disk.fail(Call::Sync, "a", 0, 1, Fault::EIO);
    disk.fail(Call::Read, "a", 0, 1, Fault::EIO);
    disk.fail(Call::Rename, "b", 0, 1, Fault::EACCES);
    disk.fail(Call::Look, "a", 0, 1, Fault::Slow(Duration::from_secs(3)));
    let mut file = disk.create(path("a")).expect("created");
    assert!(file.write(b"1234567890").expect("in part") < 10);
    assert_eq!(file.sync().expect_err("told").raw_os_error(), Some(libc::EIO));
    file.sync().expect("says nothing of what was dropped");
    assert!(read_all(&disk, "a").is_err());
    assert!(read_all(&disk, "a").is_ok());
    assert!(disk.rename(path("a"), path("b")).is_err());
    assert!(disk.len_bytes(path("a")).is_ok());
    assert_eq!(disk.take_delay(), Duration::from_secs(3));
    assert!(disk.log().contains("Sync a: Input/output error"), "{}", disk.log());
}

#[test]
fn names_and_files() {
    let disk = SimDisk::new(1);
    assert!(disk.create(path("d/a")).is_err(), "no such directory");
    disk.create_directory(path("d")).expect("made");
    disk.create_directory(path("d")).expect("is there");
    disk.put("d/a", b"text");
    assert_eq!(disk.list(path("d")).expect("listed"), ["a"]);
    assert!(disk.list(path("e")).expect("none").is_empty());
    assert_eq!(disk.len_bytes(path("./d/a")).expect("known"), Some(4));
    assert_eq!(disk.len_bytes(path("d/b")).expect("known"), None);
    assert!(disk.is_directory(path("d")) && !disk.is_directory(path("d/a")));
    let mut reader = disk.open(path("d/a")).expect("opened");
    assert!(reader.write(b"x").is_err(), "opened for reading");
    reader.seek(2).expect("moved");
    let mut two = [0; 9];
    assert_eq!(reader.read(&mut two).expect("read"), 2);
    disk.remove(path("d/a")).expect("removed");
    assert!(disk.paths().is_empty());
    let mut nameless = disk.temporary(path("d")).expect("made");
    nameless.write_all(b"spilled").expect("written");
    assert_eq!(nameless.read(&mut two).expect("read"), 7);
}

#[test]
fn equal_seeds_give_equal_disks() {
    let run = |seed| {
        let disk = SimDisk::new(seed);
        disk.fail_by_chance(Call::Write, 500_000, Fault::Short);
        let mut file = disk.append(path("a")).expect("opened");
        for _ in 0..50 {
            file.write(&[b'x'; 700]).expect("some");
        }
        let found = disk.crash(&mut Rng::with_seed(seed));
        (disk.log(), found.content("a"))
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

//! A program that misbehaves on demand, for tests: the first argument says how.
#![expect(
    unsafe_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::exit,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "a test program fails by panicking and does what others may not"
)]

use std::{
    env,
    ffi::CString,
    fs,
    io::{self, BufWriter, Write as _},
    os::{
        fd::AsFd as _,
        unix::{
            ffi::{OsStrExt as _, OsStringExt as _},
            net::UnixDatagram,
        },
    },
    process::{Command, ExitCode, exit},
    thread,
    time::Duration,
};

use eco::{
    keeper::{Config, Program},
    protocol::{Blocking, inherited, send},
};
use rustix::fs::{Mode, OFlags};

fn main() -> ExitCode {
    let args: Vec<String> =
        env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (mode, rest) = args.split_first().expect("a mode");
    match *mode {
        "keeper" => return keeper(rest),
        "under" => under(rest),
        "controller" => controller(rest[0]),
        "daemon" | "between" | "fork-for-ever" | "fork-on" => leave_home(mode, rest),
        "env" | "fds" | "cwd" | "signals" => show(mode),
        "flood" | "lines" | "bytes" | "stderr" | "echo" => write_out(mode, rest),
        _ => behave(mode, rest),
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn say_started() {
    println!("started {}", std::process::id());
}

fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn again(mode: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg(mode);
    command
}

/// Ways to live and to end.
fn behave(mode: &str, args: &[&str]) {
    match mode {
        "sleep" => {
            say_started();
            sleep_for_ever()
        }
        "exit" => exit(args[0].parse().unwrap()),
        "signal" => unsafe {
            libc::kill(libc::getpid(), args[0].parse().unwrap());
            sleep_for_ever()
        },
        "ignore-term" => {
            unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
            say_started();
            sleep_for_ever()
        }
        "fork-and-exit" => println!("child {}", again("sleep").spawn().unwrap().id()),
        // The leader exits; a child of the same session, in a group of its own, stays.
        "group-child" => println!("child {}", again("own-group").spawn().unwrap().id()),
        "own-group" => {
            rustix::process::setpgid(None, None).unwrap();
            say_started();
            sleep_for_ever()
        }
        "setsid-child" => {
            println!("child {}", again("own-session").spawn().unwrap().id());
            sleep_for_ever()
        }
        "own-session" => {
            rustix::process::setsid().unwrap();
            say_started();
            sleep_for_ever()
        }
        "term-after" => term_after(number(args[0])),
        "notify" => notify(args),
        "alloc" => {
            let megabytes = usize::try_from(number(args[0])).unwrap();
            let held = vec![1_u8; megabytes << 20];
            say_started();
            std::hint::black_box(&held);
            sleep_for_ever()
        }
        other => panic!("no such mode: {other}"),
    }
}

/// Ways to leave one's parent.
fn leave_home(mode: &str, args: &[&str]) {
    let start = |mode| std::hint::black_box(again(mode).spawn().unwrap().id());
    match mode {
        // Forks twice and makes a session of its own in between, as daemons do.
        "daemon" => {
            let mut between = again("between");
            if args.first() == Some(&"no-env") {
                between.env_clear();
            }
            assert!(between.status().unwrap().success());
            sleep_for_ever()
        }
        "between" => {
            rustix::process::setsid().unwrap();
            start("own-group");
        }
        // Each starts the next and ends, in sessions of their own.
        "fork-for-ever" => {
            say_started();
            for _ in 0..3 {
                start("fork-on");
            }
            sleep_for_ever()
        }
        _ => {
            rustix::process::setsid().unwrap_or(rustix::process::getpid());
            thread::sleep(Duration::from_millis(10));
            start("fork-on");
        }
    }
}

/// Says each of these at the notify socket, then lives on. `child:` has a child say it, `flood`
/// never ends, `exit` ends; a barrier is waited for.
fn notify(words: &[&str]) {
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect(env::var_os("NOTIFY_SOCKET").unwrap()).unwrap();
    for word in words {
        if let Some(text) = word.strip_prefix("child:") {
            assert!(again("notify").args([text, "exit"]).status().unwrap().success());
        } else if *word == "exit" {
            exit(0);
        } else if *word == "flood" {
            say_started();
            let mut turn = 0_u64;
            loop {
                drop(socket.send(format!("STATUS={turn}").as_bytes()));
                turn += 1;
            }
        } else if *word == "BARRIER=1" {
            let (reading, writing) = rustix::pipe::pipe().unwrap();
            send(&socket, word.as_bytes(), &[writing.as_fd()], Blocking::Wait).unwrap();
            drop(writing);
            assert_eq!(rustix::io::read(&reading, &mut [0; 1]).unwrap(), 0);
            println!("barrier {}", std::process::id());
        } else {
            socket.send(word.as_bytes()).unwrap();
        }
    }
    sleep_for_ever()
}

/// Answers SIGTERM by ending well after so many ms.
fn term_after(ms: u64) {
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        say_started();
        let mut got = 0;
        libc::sigwait(&raw const set, &raw mut got);
    }
    thread::sleep(Duration::from_millis(ms));
}

/// What this process was given.
fn show(mode: &str) {
    match mode {
        "env" => {
            let mut vars: Vec<_> = env::vars_os().collect();
            vars.sort();
            for (name, value) in vars {
                let line = [name.as_bytes(), b"=", value.as_bytes(), b"\n"].concat();
                io::stdout().write_all(&line).unwrap();
            }
        }
        "fds" => {
            let own = format!("/proc/{}/fd", std::process::id());
            let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
            let targets =
                entries.filter_map(|path| Some((path.clone(), fs::read_link(path).ok()?)));
            let mut fds: Vec<String> = targets
                .filter(|(_, target)| target.to_string_lossy() != own)
                .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
                .collect();
            fds.sort();
            println!("{}", fds.join(" "));
        }
        "cwd" => println!("{}", env::current_dir().unwrap().display()),
        _ => {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            // The runtime of this program ignores SIGPIPE itself; `/proc` is asked by a shell.
            let lines = status.lines().filter(|line| line.starts_with("SigBlk"));
            lines.for_each(|line| println!("{line}"));
        }
    }
}

/// Ways to write.
fn write_out(mode: &str, args: &[&str]) {
    let mut out = BufWriter::new(io::stdout());
    match mode {
        "flood" => {
            let lines = number(args[0]) / 64;
            for line in 0..lines {
                writeln!(out, "line {line:010} {:x<47}", "").unwrap();
            }
            out.flush().unwrap();
            if args.get(1) == Some(&"stay") {
                sleep_for_ever();
            }
        }
        "lines" => {
            for line in 0..number(args[0]) {
                writeln!(out, "line {line}").unwrap();
                out.flush().unwrap();
                thread::sleep(Duration::from_millis(number(args[1])));
            }
            sleep_for_ever();
        }
        "bytes" => {
            let all: Vec<u8> = (0..=255).collect();
            out.write_all(&all).unwrap();
            out.write_all(&vec![b'z'; 10 << 20]).unwrap();
            out.write_all(b"\n\xff\xfe").unwrap();
            out.flush().unwrap();
        }
        "echo" => writeln!(out, "{}", args[0]).unwrap(),
        _ => eprintln!("{}", args[0]),
    }
}

/// A keeper of the directory whose controller is this program as a stand-in.
fn keeper(args: &[&str]) -> ExitCode {
    let program = |path: &str, words: &[&str]| Program {
        exe: rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap(),
        argv: words.iter().map(|word| CString::new(*word).unwrap()).collect(),
    };
    let [dir, eco, socket, under @ ..] = args else { panic!("keeper RUN_DIR ECO SOCKET [UNDER]") };
    match under {
        [] => {}
        ["no-fork"] => fork_fails_once_told(std::path::Path::new(dir).with_file_name("fork-fails")),
        [how] => drop(restrain(how)),
        other => panic!("no such keeper: {other:?}"),
    }
    let run_dir = std::ffi::OsString::from_vec(dir.as_bytes().to_vec()).into();
    let controller = program("/proc/self/exe", &["naughty", "controller", socket]);
    let recorder = program(eco, &["eco", "__recorder"]);
    eco::keeper::run(Config { run_dir, controller, recorder }, false)
}

/// Makes the system refuse new processes once the file has the number of an error, which is then
/// removed: for ever, but with another error if it is there again.
fn fork_fails_once_told(file: std::path::PathBuf) {
    const ALL_THREADS: libc::c_ulong = 1;
    // Signals are for the keeper alone: a thread has the mask of the one that makes it.
    let mask = |how, signals: &libc::sigset_t| unsafe {
        let mut before = std::mem::zeroed();
        libc::pthread_sigmask(how, signals, &raw mut before);
        before
    };
    let mut all = unsafe { std::mem::zeroed() };
    unsafe { libc::sigfillset(&raw mut all) };
    let before = mask(libc::SIG_BLOCK, &all);
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(5));
            let Some(errno) = fs::read_to_string(&file).ok().and_then(|it| it.parse::<u32>().ok())
            else {
                continue;
            };
            let (refused, allowed) = (0x0005_0000_u32 | errno, 0x7fff_0000);
            let calls = [libc::SYS_clone, libc::SYS_clone3].map(|it| u32::try_from(it).unwrap());
            let filter = [
                step(0x20, 0, 0),
                libc::sock_filter { code: 0x15, jt: 1, jf: 0, k: calls[0] },
                step(0x15, calls[1], 1),
                step(0x06, refused, 0),
                step(0x06, allowed, 0),
            ];
            install(&filter, ALL_THREADS);
            fs::remove_file(&file).unwrap();
        }
    });
    mask(libc::SIG_SETMASK, &before);
}

fn restrain(how: &str) -> i32 {
    match how {
        "no-getfd" => refuse(libc::SYS_pidfd_getfd, libc::EPERM),
        "no-clone3" => refuse(libc::SYS_clone3, libc::ENOSYS),
        "no-seccomp" => refuse(libc::SYS_seccomp, libc::EPERM),
        "supervisor" => install(&[step(0x06, 0x7fff_0000, 0)], 8),
        other => panic!("no such restraint: {other:?}"),
    }
}

/// Runs a program that is restrained: `HOW PROGRAM ARGUMENTS…`.
fn under(args: &[&str]) {
    use std::os::unix::process::CommandExt as _;
    let [how, program, args @ ..] = args else { panic!("under HOW PROGRAM") };
    let descriptor = restrain(how);
    // Who could answer is still there after exec.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) };
    panic!("{program}: {}", Command::new(program).args(args).exec());
}

fn step(code: u16, k: u32, no: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: no, k }
}

/// Makes the system refuse a call from now on, as the usual profile of containers does with some.
fn refuse(call: libc::c_long, error: i32) -> i32 {
    let call = u32::try_from(call).unwrap();
    let refused = 0x0005_0000 | error.cast_unsigned();
    let filter =
        [step(0x20, 0, 0), step(0x15, call, 1), step(0x06, refused, 0), step(0x06, 0x7fff_0000, 0)];
    install(&filter, 0)
}

/// Installs a seccomp filter; with flag 8, one that somebody else could answer for, with
/// the descriptor returned.
fn install(filter: &[libc::sock_filter], flags: libc::c_ulong) -> i32 {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap(),
        filter: filter.as_ptr().cast_mut(),
    };
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let made = libc::syscall(libc::SYS_seccomp, 1, flags, &raw const program);
        assert!(made >= 0);
        i32::try_from(made).unwrap()
    }
}

/// Gives its channel to the test at the socket, then waits for the test to close it.
fn controller(socket: &str) {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
    let channel = inherited(eco::protocol::CHANNEL_FD).unwrap();
    assert!(inherited(eco::protocol::LISTENER_FD).is_ok());
    let test = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    if rustix::net::connect(&test, &SocketAddrUnix::new(socket).unwrap()).is_err() {
        exit(1);
    }
    send(&test, b"channel", &[channel.as_fd()], Blocking::Wait).unwrap();
    drop(channel);
    rustix::io::read(&test, &mut [0; 1]).ok();
}

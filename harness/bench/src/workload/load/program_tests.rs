//! What is read of programs that write whatever they like.

use super::*;
use std::io::Cursor;

/// What is read of a program that wrote `text`, and nothing more.
fn received(text: impl Read) -> Vec<Spoken> {
    let (tell, received) = mpsc::sync_channel(100);
    read(text, &[tell]);
    received.iter().collect()
}

#[test]
fn only_a_number_on_a_line_is_an_answer() {
    use Spoken::{Endless, Number};
    let x = |count: u64| "x".repeat(count as usize);
    let long = format!("{}\n5\n", x(LINE_BYTES - 1));
    let endless = format!("{}\n5\n", x(LINE_BYTES));
    let late = format!("6\n{}", x(2 * LINE_BYTES));
    let table: [(&[u8], &[Spoken]); 8] = [
        (b"7\n8\r\n  9 \n", &[Number(7), Number(8), Number(9)]),
        (b"caf\xe9 is warm\n3\n", &[Number(3)]),
        (b"ready\n-1\n99999999999\n1.0\n\n4", &[Number(4)]),
        (b"", &[]),
        (&[0; 1 << 20], &[Endless]),
        (long.as_bytes(), &[Number(5)]),
        (endless.as_bytes(), &[Endless]),
        (late.as_bytes(), &[Number(6), Endless]),
    ];
    for (text, expected) in table {
        let start = String::from_utf8_lossy(&text[..text.len().min(20)]);
        assert_eq!(received(Cursor::new(text)), expected, "{start:?}");
    }
}

#[test]
fn a_flood_of_answers_waits_for_those_who_take_them() {
    let (tell, received) = mpsc::sync_channel(3);
    let flood = thread::spawn(move || read(Cursor::new(b"1\n".repeat(100_000)), &[tell]));
    assert_eq!(received.recv(), Ok(Spoken::Number(1)));
    drop(received);
    // Nobody wants them any more.
    flood.join().expect("it ends");
}

#[test]
fn the_last_words_are_the_end_of_what_was_said() {
    let words = Mutex::new(Vec::new());
    listen(Cursor::new([&[b'a'; 3 * WORDS_BYTES][..], b"fatal: no more"].concat()), &words);
    let words = words.into_inner().expect("nobody panicked");
    assert_eq!(words.len(), WORDS_BYTES);
    assert!(words.ends_with(b"aaafatal: no more"));
}

fn start(words: &[String], generators: u32) -> Vec<Program> {
    let Ok(programs) = Program::start(words, generators) else { panic!("{words:?}") };
    programs
}

#[test]
fn generators_that_share_a_program_have_each_their_own_numbers_and_answers() {
    let mut programs = start(&["cat".to_owned()], 3);
    for id in 0..5 {
        for program in &mut programs {
            assert_eq!(program.offer(id, 0), Ok(true));
        }
    }
    for program in &mut programs {
        let mut answers = Vec::new();
        while answers.len() < 5 {
            assert_eq!(program.answers(0, &mut answers), Ok(()));
            thread::yield_now();
        }
        assert_eq!(answers.iter().map(|answer| answer.id).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
    assert_eq!(programs[0].process().answered, 15);
}

/// `cat` or what else, and its answers until it has nothing more to say.
fn run(words: &[&str], sent: u32) -> (Vec<u32>, Outcome) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut program = start(&words, 1).remove(0);
    for id in 0..sent {
        // A program that has ended takes none.
        let _ = program.offer(id, 0);
    }
    let mut answers = Vec::new();
    loop {
        if let Err(why) = program.answers(0, &mut answers) {
            return (answers.iter().map(|answer| answer.id).collect(), why);
        }
        thread::yield_now();
    }
}

#[test]
fn a_program_that_ends_is_told_with_its_code_its_words_and_what_it_answered() {
    let script = "read a; echo $a; read a; echo $a; echo 'no database' >&2; exit 3";
    let (answers, why) = run(&["sh", "-c", script], 5);
    assert_eq!(answers, [0, 1]);
    let told = "the program exited with code 3 after 2 answers; it said: no database";
    assert_eq!(why, Outcome::DiedInTheMiddle(told.to_owned()));
    let (answers, why) = run(&["sh", "-c", "kill -9 $$"], 0);
    assert!(answers.is_empty());
    let told = "the program killed (SIGKILL: out of memory, or by hand) after 0 answers";
    assert_eq!(why, Outcome::DiedInTheMiddle(told.to_owned()));
}

#[test]
fn a_line_without_an_end_is_the_end() {
    let (answers, why) = run(&["cat", "/dev/zero"], 0);
    assert!(answers.is_empty());
    assert!(matches!(&why, Outcome::WrongAnswer(why) if why.contains("64 KiB")), "{why:?}");
}

#[test]
fn what_a_program_left_behind_keeps_nobody_waiting() {
    // A child of its own that holds all its pipes, in its group and out of it.
    for script in ["sleep 30 & wait", "setsid sleep 30 & wait"] {
        let words = ["sh", "-c", script].map(str::to_owned);
        let mut program = start(&words, 1).remove(0);
        let mut answers = Vec::new();
        assert_eq!(program.answers(0, &mut answers), Ok(()));
        drop(program);
    }
}

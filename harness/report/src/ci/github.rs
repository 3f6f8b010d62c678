//! What GitHub takes: the limits of a comment and a summary, and commands in the log of a workflow.

/// How a comment begins: by this it is found again, and replaced.
pub const MARKER: &str = "<!-- caxton-bench -->";
/// Most bytes of a comment; GitHub turns down 64 KiB.
pub const COMMENT_MAX: usize = 60 << 10;
/// Most bytes of a summary; GitHub turns down 1 MiB.
pub const SUMMARY_MAX: usize = 1000 << 10;
/// Commands of a kind that one step shows; the rest is dropped in silence.
pub(crate) const COMMANDS_MAX: usize = 10;

/// A workflow command, with its line's end. The lines of `message` stay apart.
pub(crate) fn command(kind: &str, title: &str, message: &str) -> String {
    format!("::{kind} title={}::{}\n", property(title), data(message))
}

/// A message, as a workflow command needs it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, as a workflow command needs it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_is_escaped() {
        let line = command("error", "a: b, 5 %", "x\r\n::stop-commands::y, 1 %");
        let expected = "::error title=a%3A b%2C 5 %25::x%0D%0A::stop-commands::y, 1 %25\n";
        assert_eq!(line, expected);
    }
}

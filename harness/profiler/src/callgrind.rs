//! Reads what callgrind writes: costs of instructions, by the functions that called. The format is
//! that of "Callgrind Format Specification" in valgrind's manual.

use caxton_model::profile::ProfileError;
use std::collections::HashMap;

/// What is counted, in the order of [`EVENTS`].
pub const EVENT_COUNT: usize = 13;

/// The names of what is counted: instructions, then what callgrind's model of a processor makes of
/// them: reads and writes of data, misses of the first and the last level of the cache (of
/// instructions, reads, writes), branches that are conditional and that are indirect, each with
/// those that were guessed wrong.
pub const EVENTS: [&str; EVENT_COUNT] =
    ["Ir", "Dr", "Dw", "I1mr", "D1mr", "D1mw", "ILmr", "DLmr", "DLmw", "Bc", "Bcm", "Bi", "Bim"];

/// The index of instructions in [`EventCounts`].
pub const INSTRUCTIONS: usize = 0;

/// Counts, in the order of [`EVENTS`].
pub type EventCounts = [u64; EVENT_COUNT];

/// What was counted between two requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CallgrindDump {
    /// As callgrind adds them up.
    pub total: EventCounts,
    /// What its lines add up to.
    pub sum: EventCounts,
    /// Functions with all that called them, the function itself first: `c'b'a`.
    pub(crate) contexts: Vec<String>,
    /// Paths of files with code; `???` for code of none.
    pub(crate) objects: Vec<String>,
    pub(crate) costs: Vec<CostLine>,
    pub(crate) calls: Vec<CallLine>,
}

/// An instruction's address: in an object, as the file counts, or in memory for code of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CodeAt {
    pub(crate) object: u32,
    pub(crate) address: u64,
}

/// What an instruction cost in a context.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CostLine {
    pub(crate) context: u32,
    pub(crate) at: CodeAt,
    pub(crate) instructions: u64,
}

/// Calls from one place to one context.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CallLine {
    /// Who calls.
    pub(crate) caller: u32,
    pub(crate) from: CodeAt,
    pub(crate) context: u32,
}

impl CallgrindDump {
    /// Reads a file of callgrind's, made with `--dump-instr=yes --dump-line=no`.
    ///
    /// # Errors
    /// The file is none of callgrind's, was cut off, or counts other things.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let mut reader = DumpReader::default();
        for (number, line) in (1..).zip(text.lines()) {
            reader.line(line).map_err(|why| unreadable(&format!("line {number}: {why}")))?;
        }
        let total = reader.total.ok_or_else(|| unreadable("it has no totals: it was cut off"))?;
        let (contexts, objects) = (reader.contexts.names, reader.objects.names);
        let DumpReader { sum, costs, calls, .. } = reader;
        Ok(Self { total, sum, contexts, objects, costs, calls })
    }
}

fn unreadable(why: &str) -> ProfileError {
    ProfileError::Unreadable { what: "the counts of callgrind", why: why.to_owned() }
}

/// Names that a file gives once and calls by number from then on.
#[derive(Default)]
struct NameTable {
    by_number: HashMap<u64, u32>,
    by_name: HashMap<String, u32>,
    names: Vec<String>,
}

impl NameTable {
    /// The index of `word`: `(7) name`, `(7)`, or `name`.
    fn index(&mut self, word: &str) -> Result<u32, String> {
        let Some((number, name)) = word.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        else {
            return Ok(self.of_name(word));
        };
        let Ok(number) = number.parse() else { return Ok(self.of_name(word)) };
        let name = name.trim_start();
        if name.is_empty() {
            let known = self.by_number.get(&number).copied();
            return known.ok_or_else(|| format!("number {number} has no name"));
        }
        let next = self.new_index(name);
        self.by_number.insert(number, next);
        Ok(next)
    }

    fn of_name(&mut self, name: &str) -> u32 {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let next = self.new_index(name);
        self.by_name.insert(name.to_owned(), next);
        next
    }

    /// Two things of one name keep two numbers.
    fn new_index(&mut self, name: &str) -> u32 {
        self.names.push(name.to_owned());
        (self.names.len() - 1) as u32
    }
}

/// A file, read up to some line.
#[derive(Default)]
struct DumpReader {
    /// Where each column of counts belongs.
    columns: Vec<usize>,
    has_addresses: bool,
    total: Option<EventCounts>,
    sum: EventCounts,
    contexts: NameTable,
    objects: NameTable,
    object: u32,
    context: Option<u32>,
    called: Option<u32>,
    /// The next line has the cost of what was called.
    is_call: bool,
    last_address: u64,
    costs: Vec<CostLine>,
    calls: Vec<CallLine>,
}

impl DumpReader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '*')) {
            return self.costs(line);
        }
        if let Some((key, value)) = line.split_once('=') {
            return self.assignment(key, value.trim());
        }
        match line.split_once(':') {
            Some(("events", names)) => self.events(names),
            Some(("positions", kinds)) if kinds.trim() == "instr" => {
                self.has_addresses = true;
                Ok(())
            }
            Some(("positions", kinds)) => Err(format!("positions are {kinds}, not instr")),
            Some(("totals", counts)) => {
                self.total = Some(self.counts(counts.split_whitespace())?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn events(&mut self, names: &str) -> Result<(), String> {
        let column = |name: &str| {
            let at = EVENTS.iter().position(|event| *event == name);
            at.ok_or_else(|| format!("unknown event {name}"))
        };
        self.columns = names.split_whitespace().map(column).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn assignment(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "ob" => self.object = self.objects.index(value)?,
            "fn" => {
                self.context = Some(self.contexts.index(value)?);
                self.called = None;
            }
            // A number that is used later may get its name here.
            "cob" => _ = self.objects.index(value)?,
            "cfn" => self.called = Some(self.contexts.index(value)?),
            "calls" => self.is_call = true,
            _ => {}
        }
        Ok(())
    }

    fn costs(&mut self, line: &str) -> Result<(), String> {
        if !self.has_addresses {
            return Err("costs before `positions: instr`".to_owned());
        }
        let mut words = line.split_whitespace();
        let address = self.address(words.next().ok_or("no address")?)?;
        self.last_address = address;
        let at = CodeAt { object: self.object, address };
        let context = self.context.ok_or("costs of no function")?;
        if std::mem::take(&mut self.is_call) {
            let (caller, called) = (context, self.called.take().ok_or("calls of no function")?);
            self.calls.push(CallLine { caller, from: at, context: called });
            return Ok(());
        }
        let counts = self.counts(words)?;
        for (sum, count) in self.sum.iter_mut().zip(counts) {
            *sum = sum.saturating_add(count);
        }
        let instructions = counts[INSTRUCTIONS];
        if instructions > 0 {
            self.costs.push(CostLine { context, at, instructions });
        }
        Ok(())
    }

    /// An address: absolute, or counted from the last one.
    fn address(&self, word: &str) -> Result<u64, String> {
        let number = |digits: &str| {
            let hex = digits.strip_prefix("0x");
            let read = hex.map_or_else(|| digits.parse(), |hex| u64::from_str_radix(hex, 16));
            read.map_err(|_| format!("{word} is no address"))
        };
        match word.split_at_checked(1) {
            Some(("*", "")) => Ok(self.last_address),
            Some(("+", more)) => Ok(self.last_address.wrapping_add(number(more)?)),
            Some(("-", less)) => Ok(self.last_address.wrapping_sub(number(less)?)),
            _ => number(word),
        }
    }

    fn counts<'a>(&self, words: impl Iterator<Item = &'a str>) -> Result<EventCounts, String> {
        let mut counts = EventCounts::default();
        let mut columns = self.columns.iter();
        for word in words {
            let column = columns.next().ok_or("more counts than events")?;
            counts[*column] = word.parse().map_err(|_| format!("{word} is no count"))?;
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# callgrind format\npositions: instr\nevents: Ir Dr Bc\n";

    #[test]
    fn costs_are_of_instructions_in_contexts() {
        let text = format!(
            "{HEAD}ob=(1) /lib/a.so\nfl=(1) ???\nfn=(1) main\n0x10 3 1\n+4 2 0 1\n\
             cob=(2) ???\ncfi=(1)\ncfn=(2) 0x0000000000005000'main\ncalls=7 0x5000\n* 21\n\
             ob=(2)\nfn=(2)\n0x5000 14\n-1 7 7\ntotals: 26 8 1\n"
        );
        let dump = CallgrindDump::parse(&text).expect("a dump");
        assert_eq!(dump.contexts, ["main", "0x0000000000005000'main"]);
        assert_eq!(dump.objects, ["/lib/a.so", "???"]);
        assert_eq!(dump.sum, dump.total, "what callgrind added up itself");
        let at: Vec<(u32, u64)> = dump.costs.iter().map(|c| (c.at.object, c.at.address)).collect();
        assert_eq!(at, [(0, 0x10), (0, 0x14), (1, 0x5000), (1, 0x4fff)]);
        let from = CodeAt { object: 0, address: 0x14 };
        let call = CallLine { caller: 0, from, context: 1 };
        assert_eq!(dump.calls, [call], "the cost of what is called is not the caller's");
    }

    #[test]
    fn what_is_no_dump_is_refused_with_its_line() {
        let why = |text: &str| CallgrindDump::parse(text).expect_err("no dump").to_string();
        assert!(why("").contains("it has no totals"));
        let bad = [
            ("0x10 1", "costs before"),
            ("positions: line", "not instr"),
            ("events: Ir Xx", "unknown event Xx"),
            ("positions: instr\nevents: Ir\n0x10 1", "costs of no function"),
            ("positions: instr\nfn=(7)", "number 7 has no name"),
            ("positions: instr\nfn=a\n0xzz 1", "0xzz is no address"),
            ("positions: instr\nevents: Ir\nfn=a\n0x1 1 2", "more counts than events"),
            ("positions: instr\nfn=a\ncalls=1 0x5\n0x1 1", "calls of no function"),
        ];
        for (text, words) in bad {
            let why = why(text);
            assert!(why.contains(words) && why.contains("line"), "{text:?}: {why}");
        }
    }
}

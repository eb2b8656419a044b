//! Changes of a file: bytes, lines, words, and pieces of another file.

/// Random choices that can be made again (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below another one.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }
}

/// Words that mean something to one of the readers.
const WORDS: [&[u8]; 60] = [
    b": ",
    b"- ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!str ",
    b"!!binary ",
    b"---\n",
    b"...\n",
    b"|\n",
    b">-\n",
    b"'",
    b"\"",
    b"#",
    b"\t",
    b"\r\n",
    b"\n\n",
    b"  ",
    b"\\",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"null",
    b"true",
    b"~",
    b"-1",
    b"1e999",
    b"0x",
    b"99999999999999999999",
    b"FROM ",
    b"AS x\n",
    b"ARG A=",
    b"${A}",
    b"${A:-",
    b"COPY --from=",
    b"RUN <<E\n",
    b"# escape=`\n",
    b"--platform=",
    b"go 1.",
    b"require (\n",
    b"{MAJOR}.{MINOR}",
    b"images:\n",
    b"from:\n",
    b"when: ",
    b"set: {",
    b"releases: '>='",
    b"payload_name: ",
    b"0000",
    b"0004",
    b"ffff",
    b"0001",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"../",
    b"\"ref\":",
];

/// A file with a few changes.
pub fn mutated(file: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=dice.below(4) {
        change(&mut bytes, other, dice);
    }
    bytes.truncate(128 << 10);
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(11) {
        0 if !bytes.is_empty() => {
            let at = at.min(bytes.len() - 1);
            bytes[at] ^= 1 << dice.below(8);
        }
        1 if !bytes.is_empty() => {
            let at = at.min(bytes.len() - 1);
            bytes[at] = dice.below(256) as u8;
        }
        2 => bytes.truncate(at),
        3 => {
            let end = (at + dice.below(64)).min(bytes.len());
            bytes.drain(at..end);
        }
        4 => {
            let end = (at + dice.below(256)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let times = 1 + dice.below(8);
            insert(bytes, at, &piece.repeat(times));
        }
        5 | 6 => insert(bytes, at, WORDS[dice.below(WORDS.len())]),
        7 => {
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(512)).min(other.len());
            insert(bytes, at, &other[from..to]);
        }
        8 => lines(bytes, dice),
        9 => {
            let word = WORDS[dice.below(WORDS.len())];
            let times = 1 + dice.below(300);
            insert(bytes, at, &word.repeat(times));
        }
        _ => replaced(bytes, dice),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Takes a line out, doubles it, moves it, or indents it.
fn lines(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return;
    }
    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(4) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(other, lines[one].clone()),
        2 => lines.swap(one, other),
        _ => {
            let blanks = vec![b' '; 1 + dice.below(4)];
            lines[one].splice(0..0, blanks);
        }
    }
    *bytes = lines.concat();
}

/// Puts a word in the place of one of the file's.
fn replaced(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./".contains(byte);
    let start = dice.below(bytes.len() + 1);
    let Some(from) = bytes[start..].iter().position(is_word).map(|at| start + at) else {
        return;
    };
    let to = bytes[from..]
        .iter()
        .position(|byte| !is_word(byte))
        .map_or(bytes.len(), |at| from + at);
    let word = WORDS[dice.below(WORDS.len())];
    bytes.splice(from..to, word.iter().copied());
}

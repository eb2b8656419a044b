//! Dates and times, which are strings here but not to every parser.

/// A date, or a date and time in one of the three forms that yaml.v2 knows.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let mut scan = Scan { rest: bytes };
    scan.timestamp().is_some() && scan.rest.is_empty()
}

/// Reads a timestamp from the front of what is left.
struct Scan<'t> {
    rest: &'t [u8],
}

impl Scan<'_> {
    fn timestamp(&mut self) -> Option<()> {
        let year = self.rest[..4]
            .iter()
            .fold(0, |year, digit| year * 10 + u32::from(digit - b'0'));
        self.rest = &self.rest[4..];
        self.byte(b'-')?;
        let month = self.number(1, 12)?;
        self.byte(b'-')?;
        self.number(1, days_in(year, month))?;
        match self.rest.first().copied() {
            None => Some(()),
            Some(separator @ (b'T' | b't')) => {
                self.byte(separator)?;
                self.time()?;
                self.zone()
            }
            Some(b' ') => {
                while self.byte(b' ').is_some() {}
                self.time()
            }
            Some(_) => None,
        }
    }

    fn time(&mut self) -> Option<()> {
        self.number(0, 23)?;
        self.byte(b':')?;
        self.number(0, 59)?;
        self.byte(b':')?;
        self.number(0, 59)?;
        if let [b'.' | b',', digit, ..] = self.rest
            && digit.is_ascii_digit()
        {
            let digits = self.rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            self.rest = &self.rest[1 + digits..];
        }
        Some(())
    }

    fn zone(&mut self) -> Option<()> {
        if self.byte(b'Z').is_some() {
            return Some(());
        }
        self.byte(b'+').or_else(|| self.byte(b'-'))?;
        let [a, b, b':', c, d] = self.rest else { return None };
        let pair = |x: &u8, y: &u8| {
            (x.is_ascii_digit() && y.is_ascii_digit()).then(|| u32::from(x - b'0') * 10 + u32::from(y - b'0'))
        };
        let fits = pair(a, b)? <= 24 && pair(c, d)? <= 60;
        self.rest = &[];
        fits.then_some(())
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        let (&first, rest) = self.rest.split_first()?;
        (first == wanted).then(|| self.rest = rest)
    }

    /// A number of one or two digits within bounds.
    fn number(&mut self, low: u32, high: u32) -> Option<u32> {
        let digits = self.rest.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number = number.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        (digits > 0 && (low..=high).contains(&number)).then_some(number)
    }
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

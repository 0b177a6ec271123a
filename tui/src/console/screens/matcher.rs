//! A text or a regular expression that lines are chosen by, letters of both cases.

use regex::{Regex, RegexBuilder};

/// The most that a compiled expression takes, in bytes: what an operator types cannot fill the memory.
const LIMIT_BYTES: usize = 1 << 20;

/// What lines are chosen by; nothing chooses all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    text: String,
    regex: Option<Regex>,
    is_regex: bool,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.is_regex) == (&other.text, other.is_regex)
    }
}

impl Eq for Matcher {}

impl Matcher {
    /// Lines that contain `text`.
    pub(crate) fn text(text: &str) -> Self {
        // What is escaped is always an expression.
        Self { text: text.to_owned(), regex: compiled(&regex::escape(text)), is_regex: false }
    }

    /// Lines that match an expression. Nothing if it is none.
    pub(crate) fn regex(text: &str) -> Option<Self> {
        let regex = compiled(text);
        (regex.is_some() || text.is_empty()).then(|| Self { text: text.to_owned(), regex, is_regex: true })
    }

    /// As it was typed.
    pub(crate) fn typed(&self) -> &str {
        &self.text
    }

    /// Whether it was typed as an expression.
    pub(crate) fn is_regex(&self) -> bool {
        self.is_regex
    }

    /// Whether every line is chosen.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether a line is chosen.
    pub(crate) fn chooses(&self, line: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(line))
    }

    /// Where in a line, in bytes; ascending and apart, never empty.
    pub(crate) fn places(&self, line: &str) -> Vec<(usize, usize)> {
        let found = self.regex.iter().flat_map(|regex| regex.find_iter(line));
        found.map(|found| (found.start(), found.end())).filter(|(start, end)| start < end).collect()
    }
}

fn compiled(pattern: &str) -> Option<Regex> {
    if pattern.is_empty() {
        return None;
    }
    RegexBuilder::new(pattern).case_insensitive(true).size_limit(LIMIT_BYTES).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_taken_as_it_is_and_expressions_as_what_they_mean() {
        assert!(Matcher::default().chooses("anything"));
        let text = Matcher::text("a.c");
        assert!(text.chooses("xA.Cx") && !text.chooses("abc"));
        assert_eq!(text.places("a.c, A.C"), [(0, 3), (5, 8)]);
        let regex = Matcher::regex("^g[0-9]+:").expect("it is one");
        assert!(regex.chooses("G12: x") && !regex.chooses("x g12:"));
        assert!(Matcher::regex("(").is_none());
        assert!(Matcher::regex("").is_some_and(|all| all.chooses("anything")));
        assert!(Matcher::regex("x*").is_some_and(|star| star.places("yy").is_empty()), "nothing is marked");
    }
}

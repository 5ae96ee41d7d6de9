//! Text that people are shown.

/// Whether a character only stands for itself: control characters do not, nor do those that break lines or make the text
/// around them read in another order (Unicode Technical Report 36, 2.5: embeddings, overrides and isolates).
pub fn is_plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_text_around_is_not_plain() {
        for c in ['a', 'Ö', 'א', '中', '\u{200f}', '🙂', ' '] {
            assert!(is_plain(c), "{c:?}");
        }
        for c in ['\0', '\n', '\u{7f}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert!(!is_plain(c), "{c:?}");
        }
    }
}

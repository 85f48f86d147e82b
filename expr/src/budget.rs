//! What a run may use, so that no condition takes the controller's time or memory.

/// How many elements a run may make, as the library's default.
const ELEMENTS: usize = 1_000_000;
/// How many nodes a run may evaluate: less than a second.
const STEPS: u64 = 5_000_000;
/// How many bytes of text a run may make.
const TEXT: usize = 16 << 20;

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Budget {
    elements: usize,
    steps: u64,
    text: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            elements: ELEMENTS,
            steps: STEPS,
            text: TEXT,
        }
    }
}

impl Budget {
    /// Takes so many elements. The last one is never given, as in the library.
    pub(crate) fn make(&mut self, elements: usize) -> Result<(), String> {
        match self.elements.checked_sub(elements) {
            Some(left) if left > 0 => {
                self.elements = left;
                Ok(())
            }
            _ => Err("memory budget exceeded".to_owned()),
        }
    }

    /// Takes a step.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        self.steps(1)
    }

    /// Takes so many steps, for work within a function.
    pub(crate) fn steps(&mut self, count: usize) -> Result<(), String> {
        let left = self.steps.checked_sub(count as u64);
        self.steps = left.ok_or("step budget exceeded: the expression takes too long")?;
        Ok(())
    }

    /// Takes so many bytes of text.
    pub(crate) fn write(&mut self, bytes: usize) -> Result<(), String> {
        self.text = self.text.checked_sub(bytes).ok_or("memory budget exceeded")?;
        self.steps(bytes / 4)
    }
}

//! Sorting as `sort.Sort` does it: the order in which elements are compared shows where they cannot be.

/// Go sorts lists up to this length by insertion.
const SHORT: usize = 12;

/// A comparison that may fail.
type Less<'l, T> = &'l mut dyn FnMut(&T, &T) -> Result<bool, String>;

/// Sorts by a comparison that may fail. Equal elements keep their order.
pub(crate) fn sort<T>(items: &mut Vec<T>, less: Less<'_, T>) -> Result<(), String> {
    if items.len() <= SHORT {
        for end in 1..items.len() {
            let mut at = end;
            while at > 0 && less(&items[at], &items[at - 1])? {
                items.swap(at, at - 1);
                at -= 1;
            }
        }
        return Ok(());
    }
    let mut right = items.split_off(items.len() / 2);
    sort(items, less)?;
    sort(&mut right, less)?;
    let left = std::mem::take(items);
    items.reserve(left.len() + right.len());
    let mut left = left.into_iter().peekable();
    let mut right = right.into_iter().peekable();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if less(b, a)? { right.next() } else { left.next() };
        items.extend(next);
    }
    items.extend(left);
    items.extend(right);
    Ok(())
}

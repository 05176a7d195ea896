//! Memory for calls that are over in a moment, in an instance that is gone afterwards: blocks of a few sizes, each
//! kept for the next of its size. An allocator that cuts blocks and joins them takes three times as long, two fifths of
//! all that a plugin does to make a list of customers.
#![expect(unsafe_code, reason = "an allocator hands out pointers")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
#[cfg(not(test))]
use std::process;
use std::ptr::{self, NonNull};

/// What all blocks are cut from. What does not fit any more is the system's, as is what is not small.
const ARENA_BYTES: usize = 256 * 1024;
/// Sizes up to `STEPS_MAX` are multiples of this, to which every block is aligned.
const STEP: usize = 16;
const STEPS_MAX: usize = 512;
/// Sizes above are powers of two.
const BLOCK_MAX: usize = 8 * 1024;
const KINDS: usize = STEPS_MAX / STEP + 1 + (BLOCK_MAX / STEPS_MAX).ilog2() as usize;

/// The allocator of a plugin.
pub(crate) struct Blocks {
    arena: UnsafeCell<Arena>,
    state: UnsafeCell<State>,
}

#[repr(align(16))]
struct Arena([MaybeUninit<u8>; ARENA_BYTES]);

struct State {
    /// Bytes of the arena that were handed out at some time.
    used: usize,
    /// For each kind, the block that was given back last.
    free: [Option<NonNull<Free>>; KINDS],
}

/// What a block holds that nobody has: the one that was given back before it.
struct Free(Option<NonNull<Free>>);

/// The kind and the size of the block that something gets; none if the system has it.
fn block(layout: Layout) -> Option<(usize, usize)> {
    let bytes = layout.size();
    if bytes > BLOCK_MAX || layout.align() > STEP {
        return None;
    }
    if bytes <= STEPS_MAX {
        let steps = bytes.div_ceil(STEP);
        return Some((steps, steps * STEP));
    }
    let bytes = bytes.next_power_of_two();
    Some((STEPS_MAX / STEP + (bytes / STEPS_MAX).ilog2() as usize, bytes))
}

impl Blocks {
    pub(crate) const fn new() -> Self {
        let arena = UnsafeCell::new(Arena([MaybeUninit::uninit(); ARENA_BYTES]));
        Self { arena, state: UnsafeCell::new(State { used: 0, free: [None; KINDS] }) }
    }

    fn arena(&self) -> *mut u8 {
        // SAFETY: no more than the place of the field is asked for.
        unsafe { (&raw mut (*self.arena.get()).0).cast() }
    }

    /// A block that was given back, or the next piece of the arena; none when that is used up.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let (kind, bytes) = block(layout)?;
        // SAFETY: it is borrowed until the end of this function, which calls nothing that borrows it.
        let state = unsafe { &mut *self.state.get() };
        if let Some(free) = state.free[kind] {
            // SAFETY: `give` wrote it, and nobody has had it since.
            state.free[kind] = unsafe { free.as_ref().0 };
            return Some(free.as_ptr().cast());
        }
        if state.used + bytes > ARENA_BYTES {
            return None;
        }
        // SAFETY: it lies in the arena.
        let taken = unsafe { self.arena().add(state.used) };
        state.used += bytes;
        Some(taken)
    }

    /// The kind of a block of the arena. What is not from there is of any size.
    fn kind(&self, had: *const u8, layout: Layout) -> Option<usize> {
        let offset = had.addr().wrapping_sub(self.arena().addr());
        block(layout).filter(|_| offset < ARENA_BYTES).map(|(kind, _)| kind)
    }

    /// SAFETY: `take` gave it for this kind, and nobody has it any more.
    unsafe fn give(&self, kind: usize, given: NonNull<Free>) {
        // SAFETY: as in `take`.
        let state = unsafe { &mut *self.state.get() };
        // SAFETY: a block has at least a step, and is aligned to it.
        unsafe { given.write(Free(state.free[kind])) };
        state.free[kind] = Some(given);
    }
}

// SAFETY: a plugin has one thread.
unsafe impl Sync for Blocks {}

// SAFETY: a block is at least as large and as aligned as what it is for, and nobody else has it.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's own promise.
        self.take(layout).unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, had: *mut u8, layout: Layout) {
        match (self.kind(had, layout), NonNull::new(had.cast())) {
            // SAFETY: it lies in the arena, and the caller's own promise.
            (Some(kind), Some(given)) => unsafe { self.give(kind, given) },
            // SAFETY: the caller's own promise.
            _ => unsafe { System.dealloc(had, layout) },
        }
    }

    unsafe fn realloc(&self, had: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's own promise.
        let wanted = unsafe { Layout::from_size_align_unchecked(bytes, layout.align()) };
        match (self.kind(had, layout), block(wanted)) {
            (Some(kind), Some((same, _))) if kind == same => had,
            // SAFETY: the caller's own promise.
            (None, None) => unsafe { System.realloc(had, layout, bytes) },
            // SAFETY: the caller's own promise; the two do not overlap, and hold what is copied.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    ptr::copy_nonoverlapping(had, new, layout.size().min(bytes));
                    self.dealloc(had, layout);
                }
                new
            },
        }
    }
}

/// Memory for what the gateway hands over. Some of it goes to libc, which gives it back to the system.
#[cfg(not(test))]
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(had: *mut u8, had_bytes: usize, align: usize, bytes: usize) -> *mut u8 {
    if bytes == 0 {
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: the gateway keeps to the canonical ABI, which has only valid layouts.
    let new = unsafe {
        match had_bytes {
            0 => System.alloc(Layout::from_size_align_unchecked(bytes, align)),
            _ => System.realloc(had, Layout::from_size_align_unchecked(had_bytes, align), bytes),
        }
    };
    if new.is_null() {
        process::abort();
    }
    new
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is done with one of a few blocks; it is filled with its number.
    fn step() -> impl Strategy<Value = (u8, usize, u32)> {
        let bytes = prop_oneof![4 => 1..600_usize, 2 => 1..=BLOCK_MAX, 1 => 1..40_000_usize];
        (0..24_u8, bytes, 0..6_u32)
    }

    proptest! {
        #[test]
        fn nobody_elses_bytes_change(steps in prop::collection::vec(step(), 1..300)) {
            let blocks = Box::new(Blocks::new());
            let mut held: [Option<(*mut u8, Layout)>; 24] = [None; 24];
            for (number, bytes, align) in steps {
                let wanted = Layout::from_size_align(bytes, 1 << align).expect("a layout");
                let slot = &mut held[usize::from(number)];
                // SAFETY: what is held was allocated with its layout, and filled.
                unsafe {
                    let (new, layout) = match slot.take() {
                        // As what the gateway hands over is.
                        None if bytes % 5 == 0 => (System.alloc(wanted), wanted),
                        None => (blocks.alloc(wanted), wanted),
                        Some((had, layout)) if align % 2 == 0 => {
                            let same = Layout::from_size_align(bytes, layout.align()).expect("a layout");
                            let kept = layout.size().min(bytes);
                            let new = blocks.realloc(had, layout, bytes);
                            prop_assert!(std::slice::from_raw_parts(new, kept).iter().all(|byte| *byte == number));
                            (new, same)
                        }
                        Some((had, layout)) => {
                            blocks.dealloc(had, layout);
                            continue;
                        }
                    };
                    prop_assert_eq!(new.addr() % layout.align(), 0);
                    new.write_bytes(number, layout.size());
                    *slot = Some((new, layout));
                }
                for (number, (at, layout)) in held.iter().enumerate().filter_map(|(n, held)| Some((n, (*held)?))) {
                    // SAFETY: as above.
                    let bytes = unsafe { std::slice::from_raw_parts(at, layout.size()) };
                    prop_assert!(bytes.iter().all(|byte| usize::from(*byte) == number));
                }
            }
            for (at, layout) in held.into_iter().flatten() {
                // SAFETY: as above.
                unsafe { blocks.dealloc(at, layout) };
            }
        }
    }
}

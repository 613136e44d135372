//! Which of the listening sockets of one address get new connections: the order in which the
//! kernel keeps them, and the program that picks one. Nothing here touches a socket.
//!
//! The kernel keeps them in an array: `listen` appends, and when one is shut down or closed the last
//! takes its place. Only the keeper listens, so the order is known. A program that names a place
//! beyond the end picks none, and the kernel then spreads connections over all; so there is a
//! program from the first listener on, which keeps connections from whoever joins later, and it is
//! replaced before and after a removal.
//!
//! A parked socket keeps its place. One that begins to listen where there are only parked ones
//! does not join them: the kernel begins another array then.

use libc::sock_filter;

/// At most so many sockets get connections of one address.
const MAX_CHOICES: usize = 256;
/// What a weight is multiplied with, so that it can be divided among several sockets of a cohort.
const FINENESS: u64 = 64;

/// One listening socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) cohort: u64,
    pub(super) inode: u64,
    /// It gets no more connections, and is about to be shut down or stays until its runs are gone.
    pub(super) leaves: bool,
}

/// The listening sockets of one address, in the kernel's order.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) order: Vec<Member>,
    /// The cohorts that get connections, and their weights.
    pub(super) steered: Vec<(u64, u32)>,
}

impl Line {
    /// A socket has begun to listen.
    pub(super) fn join(&mut self, cohort: u64, inode: u64) {
        if self.order.iter().all(|member| member.leaves) {
            self.order.clear();
        }
        if self.order.iter().all(|member| member.inode != inode) {
            self.order.push(Member { cohort, inode, leaves: false });
        }
    }

    /// A socket is about to be parked or shut down: it gets no more connections, if others can take them.
    pub(super) fn leaves(&mut self, inode: u64) {
        for member in self.order.iter_mut().filter(|member| member.inode == inode) {
            member.leaves = true;
        }
    }

    /// A socket was shut down.
    pub(super) fn left(&mut self, inode: u64) {
        if let Some(place) = self.order.iter().position(|member| member.inode == inode) {
            self.order.swap_remove(place);
        }
    }

    /// The sockets of the line.
    pub(super) fn inodes(&self) -> impl Iterator<Item = u64> {
        self.order.iter().map(|member| member.inode)
    }

    /// Whether there is a socket that gets connections or may get some.
    pub(super) fn is_open(&self) -> bool {
        self.order.iter().any(|member| !member.leaves)
    }

    fn listens(&self, cohort: u64) -> bool {
        self.order.iter().any(|member| member.cohort == cohort && !member.leaves)
    }

    /// Decides who gets connections. Where no cohort with a weight listens, those that got them go
    /// on; if there are none, the oldest does.
    pub(super) fn settle(&mut self, weights: &[(u64, u32)]) {
        let wanted: Vec<_> = weights
            .iter()
            .copied()
            .filter(|(cohort, weight)| *weight != 0 && self.listens(*cohort))
            .collect();
        if !wanted.is_empty() {
            self.steered = wanted;
            return;
        }
        let going_on: Vec<_> =
            self.steered.iter().copied().filter(|(cohort, _)| self.listens(*cohort)).collect();
        let staying = self.order.iter().filter(|member| !member.leaves);
        let oldest = || staying.map(|member| (member.cohort, 1)).min();
        self.steered = if going_on.is_empty() { oldest().into_iter().collect() } else { going_on };
    }

    /// The places that get connections, each with its part of them.
    fn parts(&self) -> Vec<(u32, u64)> {
        let mut parts = Vec::new();
        for (cohort, weight) in &self.steered {
            let places: Vec<u32> = (0..)
                .zip(&self.order)
                .filter(|(_, member)| member.cohort == *cohort && !member.leaves)
                .map(|(place, _)| place)
                .collect();
            let count = u64::try_from(places.len()).unwrap_or(u64::MAX).max(1);
            let part = u64::from(*weight).saturating_mul(FINENESS) / count;
            parts.extend(places.into_iter().map(|place| (place, part.max(1))));
        }
        parts.truncate(MAX_CHOICES);
        parts
    }

    /// The program that picks a place, at random by weight.
    pub(super) fn program(&self) -> Vec<sock_filter> {
        let mut parts = self.parts();
        while u64::from(u32::MAX) < parts.iter().map(|(_, part)| part).sum() {
            for (_, part) in &mut parts {
                *part = (*part / 2).max(1);
            }
        }
        let Some((last, rest)) = parts.split_last() else { return Vec::new() };
        let mut program = Vec::new();
        if !rest.is_empty() {
            let total = parts.iter().map(|(_, part)| part).sum();
            program.push(instruction(LOAD, 0, RANDOM));
            program.push(instruction(MODULO, 0, narrow(total)));
        }
        let mut end = 0_u64;
        for (place, part) in rest {
            end = end.saturating_add(*part);
            program.push(instruction(SKIP_FROM, 1, narrow(end)));
            program.push(instruction(RETURN, 0, *place));
        }
        program.push(instruction(RETURN, 0, last.0));
        program
    }
}

/// Load a word of the packet, or of what the kernel offers beside it.
const LOAD: u16 = 0x20;
/// A random number.
const RANDOM: u32 = 0xffff_f038;
const MODULO: u16 = 0x94;
/// If the number is this or larger, skip as many instructions as said.
const SKIP_FROM: u16 = 0x35;
const RETURN: u16 = 0x06;

fn instruction(code: u16, skip: u8, k: u32) -> sock_filter {
    sock_filter { code, jt: skip, jf: 0, k }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do with a random number.
    fn run(line: &Line, random: u32) -> Option<u32> {
        let program = line.program();
        let (mut at, mut number) = (0, 0);
        loop {
            let step = program.get(at)?;
            at += 1;
            match step.code {
                LOAD => number = random,
                MODULO => number %= step.k,
                SKIP_FROM if step.k <= number => at += usize::from(step.jt),
                SKIP_FROM => {}
                _ => return Some(step.k),
            }
        }
    }

    fn hits(line: &Line, numbers: u32) -> Vec<u32> {
        let mut hits = vec![0; line.order.len()];
        for number in 0..numbers {
            hits[usize::try_from(run(line, number).unwrap()).unwrap()] += 1;
        }
        hits
    }

    fn line(cohorts: &[u64]) -> Line {
        let mut line = Line::default();
        for (inode, cohort) in (1..).zip(cohorts) {
            line.join(*cohort, inode);
            line.settle(&[]);
        }
        line
    }

    #[test]
    fn who_joins_gets_nothing_until_it_is_steered_to() {
        let mut line = line(&[5, 6]);
        assert_eq!(hits(&line, 100), [100, 0]);
        line.settle(&[(6, 1)]);
        assert_eq!(hits(&line, 100), [0, 100]);
        line.join(7, 3);
        line.settle(&[(6, 1)]);
        assert_eq!(hits(&line, 100), [0, 100, 0]);
        // A weight for somebody who does not listen changes nothing.
        line.settle(&[(9, 1)]);
        assert_eq!(hits(&line, 100), [0, 100, 0]);
        line.settle(&[]);
        assert_eq!(hits(&line, 100), [0, 100, 0]);
    }

    #[test]
    fn nobody_joins_parked_ones() {
        let mut line = line(&[5, 6]);
        line.leaves(1);
        line.settle(&[]);
        // Its place is still taken.
        assert_eq!(hits(&line, 100), [0, 100]);
        line.join(7, 3);
        line.settle(&[(7, 1)]);
        assert_eq!(run(&line, 1), Some(2));
        line.leaves(2);
        line.leaves(3);
        line.settle(&[]);
        assert!(!line.is_open() && line.program().is_empty());
        line.join(5, 4);
        line.settle(&[]);
        assert_eq!(hits(&line, 100), [100]);
        line.left(1);
        assert_eq!(hits(&line, 100), [100]);
    }

    #[test]
    fn weights_are_kept_exactly_and_divided_among_sockets() {
        let mut line = line(&[5, 6, 6]);
        line.settle(&[(5, 90), (6, 10)]);
        assert_eq!(hits(&line, 6400), [5760, 320, 320]);
        line.settle(&[(5, u32::MAX), (6, u32::MAX)]);
        assert!(line.program().iter().all(|step| step.code != MODULO || step.k > 1 << 30));
    }

    #[test]
    fn the_last_takes_the_place_of_who_leaves() {
        let mut line = line(&[5, 6, 7]);
        line.settle(&[(7, 1)]);
        assert_eq!(run(&line, 1), Some(2));
        line.leaves(1);
        line.settle(&[(7, 1)]);
        line.left(1);
        assert_eq!(run(&line, 1), Some(0));
        // Who got everything is gone: the oldest of the others does.
        line.leaves(3);
        line.settle(&[]);
        assert_eq!(run(&line, 1), Some(1));
        line.left(3);
        assert_eq!(run(&line, 1), Some(0));
        line.leaves(2);
        line.settle(&[]);
        assert!(line.program().is_empty());
    }
}

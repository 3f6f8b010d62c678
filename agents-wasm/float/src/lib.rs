//! `float`: moves five bodies through 500 steps of gravity in f64.
//!
//! Message: a seed and the number of steps (u64 each). The reply is the bits of the energy before
//! and after and a checksum of all positions and velocities. Only additions, products, quotients
//! and square roots, which round the same everywhere; no product is fused with a sum.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

const STEPS: u64 = 500;
const STEPS_MAX: u64 = 1_000_000;
const STEP_TIME: f64 = 0.001;
/// Distance and mass of each body; the first is the sun that the others circle.
const BODIES: [(f64, f64); 5] = [(0.0, 1.0), (1.0, 1e-3), (1.6, 3e-4), (2.5, 5e-5), (4.0, 2e-5)];

#[derive(Clone, Copy)]
struct Body {
    mass: f64,
    place: [f64; 3],
    speed: [f64; 3],
}

/// Circles around the sun, each a little off by the seed, in a frame that rests.
fn bodies(seed: u64) -> [Body; 5] {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut near = |value: f64| value + (rng.f64() - 0.5) / 16.0;
    let mut turn = false;
    let mut bodies = BODIES.map(|(distance, mass)| {
        if distance == 0.0 {
            return Body { mass, place: [0.0; 3], speed: [0.0; 3] };
        }
        turn = !turn;
        let pace = (1.0 / distance).sqrt();
        let (place, speed) =
            if turn { ([distance, 0.0], [0.0, pace]) } else { ([0.0, -distance], [pace, 0.0]) };
        Body {
            mass,
            place: [near(place[0]), near(place[1]), near(0.0)],
            speed: [near(speed[0]), near(speed[1]), near(0.0)],
        }
    });
    for axis in 0..3 {
        let push: f64 = bodies.iter().map(|body| body.mass * body.speed[axis]).sum();
        bodies[0].speed[axis] = -push / bodies[0].mass;
    }
    bodies
}

fn advance(bodies: &mut [Body; 5]) {
    for first in 0..bodies.len() {
        for second in first + 1..bodies.len() {
            let (apart, distance) = distance(&bodies[first], &bodies[second]);
            let pull = STEP_TIME / (distance * distance * distance);
            let (first_mass, second_mass) = (bodies[first].mass, bodies[second].mass);
            for (axis, apart) in apart.into_iter().enumerate() {
                bodies[first].speed[axis] -= apart * second_mass * pull;
                bodies[second].speed[axis] += apart * first_mass * pull;
            }
        }
    }
    for body in bodies {
        for axis in 0..3 {
            body.place[axis] += STEP_TIME * body.speed[axis];
        }
    }
}

fn distance(first: &Body, second: &Body) -> ([f64; 3], f64) {
    let apart: [f64; 3] = std::array::from_fn(|axis| first.place[axis] - second.place[axis]);
    let [x, y, z] = apart;
    (apart, (x * x + y * y + z * z).sqrt())
}

fn energy(bodies: &[Body; 5]) -> f64 {
    let mut energy = 0.0;
    for (i, body) in bodies.iter().enumerate() {
        let [x, y, z] = body.speed;
        energy += 0.5 * body.mass * (x * x + y * y + z * z);
        for other in &bodies[i + 1..] {
            energy -= body.mass * other.mass / distance(body, other).1;
        }
    }
    energy
}

struct Gravity;

impl Agent for Gravity {
    fn new(_: Host) -> Self {
        Self
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let ([seed, steps], []) = inbox.as_chunks() else {
            return Err(AgentError::new("the message is not a seed and a number of steps"));
        };
        let (seed, steps) = (u64::from_le_bytes(*seed), u64::from_le_bytes(*steps));
        if steps > STEPS_MAX {
            return Err(AgentError::new("more than a million steps"));
        }
        let mut bodies = bodies(seed);
        let before = energy(&bodies);
        for _ in 0..steps {
            advance(&mut bodies);
        }
        let numbers = bodies.iter().flat_map(|body| body.place.into_iter().chain(body.speed));
        let check = numbers.fold(0, |h: u64, number| h.rotate_left(5) ^ number.to_bits());
        for word in [before.to_bits(), energy(&bodies).to_bits(), check] {
            outbox.extend_from_slice(&word.to_le_bytes());
        }
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let seed = fastrand::Rng::with_seed(seed).u64(..);
        [seed.to_le_bytes(), STEPS.to_le_bytes()].concat()
    }
}

export_agent!(Gravity);

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(seed: u64, steps: u64) -> Result<Vec<u64>, AgentError> {
        let mut message = [seed.to_le_bytes(), steps.to_le_bytes()].concat();
        let mut outbox = Vec::new();
        Gravity::new(Host::detached()).handle(&mut message, &mut outbox)?;
        Ok(outbox.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    #[test]
    fn energy_is_kept_and_the_whole_does_not_drift() {
        for seed in 0..20 {
            let [before, after, _] = ask(seed, STEPS).unwrap()[..] else { panic!("three words") };
            let (before, after) = (f64::from_bits(before), f64::from_bits(after));
            assert!(before < 0.0 && ((after - before) / before).abs() < 1e-4, "{before} {after}");
            let mut bodies = bodies(seed);
            advance(&mut bodies);
            let push: f64 = bodies.iter().map(|body| body.mass * body.speed[0]).sum();
            assert!(push.abs() < 1e-15, "{push}");
        }
    }

    #[test]
    fn without_steps_nothing_moves() {
        let still = ask(7, 0).unwrap();
        assert_eq!(still[0], still[1]);
        assert_ne!(ask(7, 1).unwrap()[2], still[2]);
    }

    #[test]
    fn malformed_messages_are_refused() {
        assert!(ask(1, STEPS_MAX + 1).is_err());
        for length in [0, 8, 15, 17, 24] {
            let mut agent = Gravity::new(Host::detached());
            assert!(agent.handle(&mut vec![0; length], &mut Vec::new()).is_err());
        }
    }
}

//! `redis-cli --cluster` and `redis-trib.rb`: guides 5, 7, 9, 11 and 12.1 with our manager on clusters
//! of ours and of Redis, the same words as the real one's, and what happens when it, or a node, dies
//! at any step.

mod guides;
mod interrupted;
mod live;
mod preflight;
mod run;
mod steps;
mod trib;
mod words;

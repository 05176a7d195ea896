//! Finding 20: the operators' listener answers any Host.

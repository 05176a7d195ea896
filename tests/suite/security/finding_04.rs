//! Finding 4: one channel's provider stops other tenants' events.

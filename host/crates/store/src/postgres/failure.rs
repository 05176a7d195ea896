//! What an error of Postgres means for the transaction.

use tokio_postgres::error::SqlState;

/// An error of Postgres, or of the connection to it.
///
/// The text has the server's message without its details, which may contain values of rows.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The server reported an error.
    #[error("{message} (SQLSTATE {})", code.code())]
    Server {
        /// Code of the error.
        code: SqlState,
        /// The server's message.
        message: String,
    },
    /// The connection could not be opened, or was lost.
    #[error("connection to Postgres failed: {0}")]
    Connection(String),
    /// The write has found a concurrent one, see [`crate::sql::Error::Conflict`].
    #[error("a concurrent write has changed the same rows")]
    Conflict,
    /// A statement of this transaction failed before, so it can only be rolled back.
    #[error("an earlier statement of the transaction failed")]
    Aborted,
}

/// How to go on after a failure before the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Run the write again on the same session.
    Retry,
    /// Open another session, then run the write again.
    Reconnect,
    /// Report the error.
    Report,
}

impl Failure {
    pub(super) fn remedy(&self) -> Remedy {
        let code = match self {
            Self::Server { code, .. } => code,
            Self::Connection(_) => return Remedy::Reconnect,
            Self::Conflict => return Remedy::Retry,
            Self::Aborted => return Remedy::Report,
        };
        match *code {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED | SqlState::LOCK_NOT_AVAILABLE => {
                Remedy::Retry
            }
            // The server became a standby, stops, starts, or ended the session. Or a cached plan is out of date.
            SqlState::READ_ONLY_SQL_TRANSACTION
            | SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::TOO_MANY_CONNECTIONS
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | SqlState::IN_FAILED_SQL_TRANSACTION
            | SqlState::FEATURE_NOT_SUPPORTED => Remedy::Reconnect,
            _ if self.is_of_connection() => Remedy::Reconnect,
            _ => Remedy::Report,
        }
    }

    /// Returns whether the connection has failed. A pooler reports that like an error of the server.
    pub(super) fn is_of_connection(&self) -> bool {
        match self {
            Self::Server { code, .. } => code.code().starts_with("08"),
            Self::Connection(_) => true,
            Self::Conflict | Self::Aborted => false,
        }
    }

    /// Returns whether the server has reported the error, so the statement had no effect.
    pub(super) fn is_of_server(&self) -> bool {
        matches!(self, Self::Server { .. })
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(reported) => Self::Server { code: reported.code().clone(), message: reported.message().to_owned() },
            None => Self::Connection(format!("{:#}", anyhow::Error::from(error))),
        }
    }
}

//! Everything that says how dkron is to run, in dkron's own order: flags, then variables, then the configuration file.

use super::super::config::{Value, Values};
use super::arguments::{Word, variable};
use super::environment::Environment;
use super::form::Form;

/// The three places where a setting of dkron may stand.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The command.
    pub form: &'a Form<'a>,
    /// The variables of the container.
    pub environment: &'a Environment,
    /// The configuration file; empty where there is none.
    pub config: &'a Values,
}

impl<'a> Said<'a> {
    /// The value of the flag `name`, wherever it stands.
    pub fn value(&self, name: &str) -> Word<'a> {
        self.first(self.form.value(name), name)
    }

    /// The value of the switch `name`, wherever it stands.
    pub fn switch(&self, name: &str) -> Word<'a> {
        self.first(self.form.switch(name), name)
    }

    fn first(&self, flag: Word<'a>, name: &str) -> Word<'a> {
        if flag != Word::Absent {
            return flag;
        }
        if let Some(value) = self.environment.get(&variable(name)) {
            return Word::Is(value);
        }
        match self.config.get(name) {
            None | Some(Value::Null) => Word::Absent,
            Some(Value::Scalar(value)) => Word::Is(value),
            Some(Value::List(_) | Value::Unread) => Word::Unreadable,
        }
    }

    /// Whether the file may say something of the flag `name`, which then has to be overruled.
    pub fn in_file(&self, name: &str) -> bool {
        !matches!(self.config.get(name), None | Some(Value::Null))
    }

    /// Every value of a flag that takes a list, wherever it stands; separated by commas or not.
    pub fn values(&self, name: &str) -> Vec<String> {
        if self.form.value(name) != Word::Absent {
            return self.form.values(name);
        }
        if let Some(value) = self.environment.get(&variable(name)) {
            return vec![value.to_owned()];
        }
        match self.config.get(name) {
            Some(Value::Scalar(value)) => vec![value.clone()],
            Some(Value::List(values)) => values.clone(),
            None | Some(Value::Null | Value::Unread) => Vec::new(),
        }
    }

    /// Whether anything says whom dkron joins.
    pub fn joins(&self) -> bool {
        use super::arguments::flag::{JOIN, RETRY_JOIN};
        let elsewhere = |name: &str| self.environment.get(&variable(name)).is_some() || self.in_file(name);
        self.form.joins() || elsewhere(JOIN) || elsewhere(RETRY_JOIN)
    }
}

//! What operators do, and what they do wrong, with the real executable.

mod attached;
mod bad_input;
mod commands;
mod commands_config;
mod commands_console;
mod commands_devices;
mod commands_show;
mod commands_software;
mod front_end;
mod full_screen;
mod guest;
mod hostile;
mod hot;
mod hot_linux;
mod init;
mod journey;
mod linux;
mod logs;
mod many_tapes;
mod rights;
mod sharing;
mod slow_line;
mod takeover;
mod torture;
mod vsp;
mod walkthrough;

//! `serin-controller`: see [`serin_controller::program`].

fn main() -> anyhow::Result<()> {
    serin_controller::program::run(std::env::args_os())
}

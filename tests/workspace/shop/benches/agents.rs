//! What do this workspace's agents and functions cost in WASM?

use caxton_bench::wasmtime::{Caller, StoreContextMut};
use caxton_bench::{Bench, HostState, function};

caxton_bench::main!(describe);

/// What the host knows, one for each guest.
struct Prices(Vec<u32>);

fn describe(bench: &mut Bench) {
    let text = "the quick brown fox jumps over the lazy dog and the cat ".repeat(40);
    bench
        .function(function!(shop::top_words).message(text))
        .function(
            function!(shop::top_words)
                .named("top_words_short")
                .message("to be or not to be")
                .reply("be 2\nto 2\nnot 1\nor 1\n"),
        )
        .agent("../till")
        .host_data(|| Prices(vec![100, 250, 30]))
        .host(|linker| {
            let price_of = |mut caller: Caller<'_, HostState>, item: u32| {
                let Prices(prices) = caller.data_mut().data_mut();
                prices.get(item as usize).copied().unwrap_or(0)
            };
            linker.func_wrap("shop", "price_of", price_of)?;
            Ok(())
        })
        .component_host(|linker| {
            let price_of = |_: StoreContextMut<'_, HostState>, (item,): (u32,)| Ok((item * 100,));
            linker.root().func_wrap("price-of", price_of)
        });
}

"""How is rssbound used from a shell? Commands read inputs, compute results and render them."""

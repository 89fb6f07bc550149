"""How is rssbound used from a shell? Inputs are read, commands ask, figures and render show."""

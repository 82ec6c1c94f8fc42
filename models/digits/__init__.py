"""vae-digits: a variational autoencoder of log-spectrograms, for spoken digits."""

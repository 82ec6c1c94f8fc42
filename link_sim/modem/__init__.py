"""The modem measured: over noise, fading and bad receivers, beside the bound and beside FreeDV."""

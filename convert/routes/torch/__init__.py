"""Routes from PyTorch modules, exported programs and TorchScript."""

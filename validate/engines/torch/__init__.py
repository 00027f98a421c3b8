"""PyTorch modules, exported programs and TorchScript, run by PyTorch."""

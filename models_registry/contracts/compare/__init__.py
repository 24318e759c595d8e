"""Comparison of contracts: proved compatible, refuted by a counterexample, or unknown."""

from models_registry.contracts.compare.comparison import Comparison, EdgeReport, compare, edge

__all__ = ["Comparison", "EdgeReport", "compare", "edge"]

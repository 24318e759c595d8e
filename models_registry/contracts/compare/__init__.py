"""What a change of contract does to payloads: proved compatible, refuted by a document, or open."""

from models_registry.contracts.compare.comparison import Comparison, EdgeReport, compare, edge

__all__ = ["Comparison", "EdgeReport", "compare", "edge"]

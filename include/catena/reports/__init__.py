"""Reports: pages for people, each number with the evidence from which it can be produced again."""

from catena.reports.card import card_disagreements, card_page, headline_of
from catena.reports.evidence import Answer, Citations, EvidenceMissing, disagreements, evidence_of, numbers_of, rerun
from catena.reports.index import Listed, index_page
from catena.reports.page import questions, report_page

__all__ = [
    "Answer",
    "Citations",
    "EvidenceMissing",
    "Listed",
    "card_disagreements",
    "card_page",
    "disagreements",
    "evidence_of",
    "headline_of",
    "index_page",
    "numbers_of",
    "questions",
    "report_page",
    "rerun",
]

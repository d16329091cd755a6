"""Conversations: who may say and get what (CO*)."""

"""The admin site below /admin: lists, pages and actions for staff. It imports both apps."""

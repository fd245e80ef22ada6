"""Storefront: the Lambda code, one package per part of the business."""

-- A store as version 1 made it, with two of its datasets and a row or two in each table of interest.
CREATE TABLE hub_store (id TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE hub_tenants ( tenant TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, head INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL ) STRICT;
CREATE TABLE hub_enrolment_codes ( tenant TEXT NOT NULL REFERENCES hub_tenants, hash BLOB NOT NULL,
    role TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER,
    PRIMARY KEY (tenant, hash) ) STRICT;
CREATE TABLE hub_agents ( tenant TEXT NOT NULL REFERENCES hub_tenants, agent TEXT NOT NULL,
    role TEXT NOT NULL, public_key TEXT NOT NULL, host TEXT NOT NULL, version TEXT NOT NULL, enrolled_at INTEGER NOT NULL,
    last_contact_at INTEGER, revoked_at INTEGER, PRIMARY KEY (tenant, agent) ) STRICT;
CREATE TABLE hub_agent_tokens ( tenant TEXT NOT NULL, hash BLOB NOT NULL, agent TEXT NOT NULL,
    expires_at INTEGER NOT NULL, PRIMARY KEY (tenant, hash) ) STRICT;
CREATE TABLE hub_agent_nonces ( tenant TEXT NOT NULL, agent TEXT NOT NULL, nonce TEXT NOT NULL,
    expires_at INTEGER NOT NULL, PRIMARY KEY (tenant, agent, nonce) ) STRICT;
CREATE TABLE hub_api_tokens ( tenant TEXT NOT NULL REFERENCES hub_tenants, hash BLOB NOT NULL,
    prefix TEXT NOT NULL, scope TEXT NOT NULL, companies TEXT, classes TEXT NOT NULL, created_at INTEGER NOT NULL,
    revoked_at INTEGER, PRIMARY KEY (tenant, hash) ) STRICT;
CREATE TABLE hub_companies ( tenant TEXT NOT NULL REFERENCES hub_tenants, company TEXT NOT NULL,
    agent TEXT NOT NULL, time_zone TEXT, lease INTEGER NOT NULL DEFAULT 0, journal TEXT, claimed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, company) ) STRICT;
CREATE TABLE hub_streams ( tenant TEXT NOT NULL, company TEXT NOT NULL, dataset TEXT NOT NULL,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, digest INTEGER NOT NULL, previous INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (tenant, company, dataset) ) STRICT;
CREATE TABLE hub_imports ( tenant TEXT NOT NULL REFERENCES hub_tenants, id TEXT NOT NULL, number INTEGER NOT NULL,
    kind TEXT NOT NULL, idempotency_key TEXT NOT NULL, company TEXT NOT NULL, body TEXT NOT NULL,
    body_hash BLOB NOT NULL, revision INTEGER NOT NULL, accepted INTEGER, state TEXT NOT NULL, report TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (tenant, id) ) STRICT;
CREATE TABLE hub_reservations ( tenant TEXT NOT NULL, company TEXT NOT NULL, name TEXT NOT NULL,
    value TEXT NOT NULL, import TEXT NOT NULL, number INTEGER NOT NULL, write INTEGER NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (tenant, company, name, value) ) STRICT;
CREATE TABLE "items" (tenant TEXT NOT NULL, company TEXT NOT NULL, key TEXT NOT NULL, _hash INTEGER NOT NULL,
    _position INTEGER NOT NULL, updated_at INTEGER NOT NULL, "item_code" TEXT NOT NULL DEFAULT '',
    "item_type" TEXT NOT NULL DEFAULT '', "item_code_desc" TEXT NOT NULL DEFAULT '', "extended_description_key" TEXT NOT NULL DEFAULT '',
    "use_in_ar" TEXT NOT NULL DEFAULT '', "use_in_so" TEXT NOT NULL DEFAULT '', "use_in_po" TEXT NOT NULL DEFAULT '',
    "use_in_bm" TEXT NOT NULL DEFAULT '', "calculate_commission" TEXT NOT NULL DEFAULT '', "drop_ship" TEXT NOT NULL DEFAULT '',
    "ebm_enabled" TEXT NOT NULL DEFAULT '', "price_code" TEXT NOT NULL DEFAULT '', "print_receipt_labels" TEXT NOT NULL DEFAULT '',
    "allocate_landed_cost" TEXT NOT NULL DEFAULT '', "warranty_code" TEXT NOT NULL DEFAULT '', "sales_unit_of_measure" TEXT NOT NULL DEFAULT '',
    "purchase_unit_of_measure" TEXT NOT NULL DEFAULT '', "standard_unit_of_measure" TEXT NOT NULL DEFAULT '',
    "post_to_gl_by_division" TEXT NOT NULL DEFAULT '', "sales_acct_key" TEXT NOT NULL DEFAULT '',
    "cost_of_goods_sold_acct_key" TEXT NOT NULL DEFAULT '', "inventory_acct_key" TEXT NOT NULL DEFAULT '',
    "purchase_acct_key" TEXT NOT NULL DEFAULT '', "manufacturing_cost_acct_key" TEXT NOT NULL DEFAULT '',
    "tax_class" TEXT NOT NULL DEFAULT '', "purchases_tax_class" TEXT NOT NULL DEFAULT '', "product_line" TEXT NOT NULL DEFAULT '',
    "product_type" TEXT NOT NULL DEFAULT '', "valuation" TEXT NOT NULL DEFAULT '', "default_warehouse_code" TEXT NOT NULL DEFAULT '',
    "primary_ap_division_no" TEXT NOT NULL DEFAULT '', "primary_vendor_no" TEXT NOT NULL DEFAULT '',
    "image_file" TEXT NOT NULL DEFAULT '', "category1" TEXT NOT NULL DEFAULT '', "category2" TEXT NOT NULL DEFAULT '',
    "category3" TEXT NOT NULL DEFAULT '', "category4" TEXT NOT NULL DEFAULT '', "explode_kit_items" TEXT NOT NULL DEFAULT '',
    "ship_weight" TEXT NOT NULL DEFAULT '', "comment_text" TEXT NOT NULL DEFAULT '', "restocking_method" TEXT NOT NULL DEFAULT '',
    "standard_unit_cost" INTEGER NOT NULL DEFAULT 0, "standard_unit_price" INTEGER NOT NULL DEFAULT 0,
    "commission_rate" INTEGER NOT NULL DEFAULT 0, "base_comm_amt" INTEGER NOT NULL DEFAULT 0, "purchase_um_conv_fctr" INTEGER NOT NULL DEFAULT 0,
    "sales_um_conv_fctr" INTEGER NOT NULL DEFAULT 0, "volume" INTEGER NOT NULL DEFAULT 0, "restocking_charge" INTEGER NOT NULL DEFAULT 0,
    "procurement_type" TEXT NOT NULL DEFAULT '', "date_created" TEXT, "time_created" TEXT NOT NULL DEFAULT '',
    "user_created_key" TEXT NOT NULL DEFAULT '', "date_updated" TEXT, "time_updated" TEXT NOT NULL DEFAULT '',
    "user_updated_key" TEXT NOT NULL DEFAULT '', "allow_back_orders" TEXT NOT NULL DEFAULT '', "allow_returns" TEXT NOT NULL DEFAULT '',
    "allow_trade_discount" TEXT NOT NULL DEFAULT '', "confirm_cost_incr_in_rcpt_of_goods" TEXT NOT NULL DEFAULT '',
    "last_sold_date" TEXT, "last_receipt_date" TEXT, "sales_promotion_code" TEXT NOT NULL DEFAULT '',
    "sale_starting_date" TEXT, "sale_ending_date" TEXT, "sale_method" TEXT NOT NULL DEFAULT '',
    "next_lot_serial_no" TEXT NOT NULL DEFAULT '', "inventory_cycle" TEXT NOT NULL DEFAULT '', "routing_no" TEXT NOT NULL DEFAULT '',
    "planner_code" TEXT NOT NULL DEFAULT '', "buyer_code" TEXT NOT NULL DEFAULT '', "low_level_code" TEXT NOT NULL DEFAULT '',
    "planned_by_mrp" TEXT NOT NULL DEFAULT '', "vendor_item_code" TEXT NOT NULL DEFAULT '', "setup_charge" TEXT NOT NULL DEFAULT '',
    "attachment_file_name" TEXT NOT NULL DEFAULT '', "item_image_width_in_pixels" INTEGER NOT NULL DEFAULT 0,
    "item_image_height_in_pixels" INTEGER NOT NULL DEFAULT 0, "last_total_unit_cost" INTEGER NOT NULL DEFAULT 0,
    "average_unit_cost" INTEGER NOT NULL DEFAULT 0, "sales_promotion_price" INTEGER NOT NULL DEFAULT 0,
    "suggested_retail_price" INTEGER NOT NULL DEFAULT 0, "sales_promotion_discount_percent" INTEGER NOT NULL DEFAULT 0,
    "total_quantity_on_hand" INTEGER NOT NULL DEFAULT 0, "average_back_order_fill_days" INTEGER NOT NULL DEFAULT 0,
    "last_allocated_unit_cost" INTEGER NOT NULL DEFAULT 0, "total_inventory_value" INTEGER NOT NULL DEFAULT 0,
    "inactive_item" TEXT NOT NULL DEFAULT '', "last_physical_count_date" TEXT, "commodity_code" TEXT NOT NULL DEFAULT '',
    "track_lot_serial_expiration_dates" TEXT NOT NULL DEFAULT '', "require_expiration_date" TEXT NOT NULL DEFAULT '',
    "calculate_exp_date_based_on" TEXT NOT NULL DEFAULT '', "number_until_expiration" INTEGER NOT NULL DEFAULT 0,
    "calculate_sell_by_based_on" TEXT NOT NULL DEFAULT '', "number_to_sell_by_before" INTEGER NOT NULL DEFAULT 0,
    "number_to_sell_by_after" INTEGER NOT NULL DEFAULT 0, "calculate_use_by_based_on" TEXT NOT NULL DEFAULT '',
    "number_to_use_by_before" INTEGER NOT NULL DEFAULT 0, "number_to_use_by_after" INTEGER NOT NULL DEFAULT 0,
    "calculate_returns_based_on" TEXT NOT NULL DEFAULT '', "number_to_return_after" INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, company, key)) STRICT;
CREATE TABLE "sales_orders" (tenant TEXT NOT NULL, company TEXT NOT NULL, key TEXT NOT NULL,
    _hash INTEGER NOT NULL, _position INTEGER NOT NULL, updated_at INTEGER NOT NULL, "sales_order_no" TEXT NOT NULL DEFAULT '',
    "order_date" TEXT, "order_type" TEXT NOT NULL DEFAULT '', "order_status" TEXT NOT NULL DEFAULT '',
    "master_repeating_order_no" TEXT NOT NULL DEFAULT '', "ship_expire_date" TEXT, "ar_division_no" TEXT NOT NULL DEFAULT '',
    "customer_no" TEXT NOT NULL DEFAULT '', "bill_to_name" TEXT NOT NULL DEFAULT '', "bill_to_address1" TEXT NOT NULL DEFAULT '',
    "bill_to_address2" TEXT NOT NULL DEFAULT '', "bill_to_address3" TEXT NOT NULL DEFAULT '', "bill_to_city" TEXT NOT NULL DEFAULT '',
    "bill_to_state" TEXT NOT NULL DEFAULT '', "bill_to_zip_code" TEXT NOT NULL DEFAULT '', "bill_to_country_code" TEXT NOT NULL DEFAULT '',
    "ship_to_code" TEXT NOT NULL DEFAULT '', "ship_to_name" TEXT NOT NULL DEFAULT '', "ship_to_address1" TEXT NOT NULL DEFAULT '',
    "ship_to_address2" TEXT NOT NULL DEFAULT '', "ship_to_address3" TEXT NOT NULL DEFAULT '', "ship_to_city" TEXT NOT NULL DEFAULT '',
    "ship_to_state" TEXT NOT NULL DEFAULT '', "ship_to_zip_code" TEXT NOT NULL DEFAULT '', "ship_to_country_code" TEXT NOT NULL DEFAULT '',
    "ship_via" TEXT NOT NULL DEFAULT '', "ship_zone" TEXT NOT NULL DEFAULT '', "ship_zone_actual" TEXT NOT NULL DEFAULT '',
    "ship_weight" TEXT NOT NULL DEFAULT '', "customer_po_no" TEXT NOT NULL DEFAULT '', "fob" TEXT NOT NULL DEFAULT '',
    "warehouse_code" TEXT NOT NULL DEFAULT '', "confirm_to" TEXT NOT NULL DEFAULT '', "comment" TEXT NOT NULL DEFAULT '',
    "terms_code" TEXT NOT NULL DEFAULT '', "tax_schedule" TEXT NOT NULL DEFAULT '', "tax_exempt_no" TEXT NOT NULL DEFAULT '',
    "invalid_tax_calc" TEXT NOT NULL DEFAULT '', "print_sales_orders" TEXT NOT NULL DEFAULT '',
    "print_picking_sheets" TEXT NOT NULL DEFAULT '', "last_invoice_order_date" TEXT, "last_invoice_order_no" TEXT NOT NULL DEFAULT '',
    "current_invoice_no" TEXT NOT NULL DEFAULT '', "check_no_for_deposit" TEXT NOT NULL DEFAULT '',
    "cycle_code" TEXT NOT NULL DEFAULT '', "fax_no" TEXT NOT NULL DEFAULT '', "batch_fax" TEXT NOT NULL DEFAULT '',
    "batch_email" TEXT NOT NULL DEFAULT '', "email_address" TEXT NOT NULL DEFAULT '', "freight_calculation_method" TEXT NOT NULL DEFAULT '',
    "lot_serial_lines_exist" TEXT NOT NULL DEFAULT '', "salesperson_division_no" TEXT NOT NULL DEFAULT '',
    "salesperson_no" TEXT NOT NULL DEFAULT '', "split_commissions" TEXT NOT NULL DEFAULT '', "salesperson_division_no2" TEXT NOT NULL DEFAULT '',
    "salesperson_no2" TEXT NOT NULL DEFAULT '', "salesperson_division_no3" TEXT NOT NULL DEFAULT '',
    "salesperson_no3" TEXT NOT NULL DEFAULT '', "salesperson_division_no4" TEXT NOT NULL DEFAULT '',
    "salesperson_no4" TEXT NOT NULL DEFAULT '', "salesperson_division_no5" TEXT NOT NULL DEFAULT '',
    "salesperson_no5" TEXT NOT NULL DEFAULT '', "ebm_user_type" TEXT NOT NULL DEFAULT '', "ebm_submission_type" TEXT NOT NULL DEFAULT '',
    "ebm_user_id_submitting_this_order" TEXT NOT NULL DEFAULT '', "payment_type" TEXT NOT NULL DEFAULT '',
    "other_payment_type_ref_no" TEXT NOT NULL DEFAULT '', "cancel_reason_code" TEXT NOT NULL DEFAULT '',
    "payment_type_category" TEXT NOT NULL DEFAULT '', "rma_no" TEXT NOT NULL DEFAULT '', "job_no" TEXT NOT NULL DEFAULT '',
    "residential_address" TEXT NOT NULL DEFAULT '', "taxable_subject_to_discount" INTEGER NOT NULL DEFAULT 0,
    "non_taxable_subject_to_discount" INTEGER NOT NULL DEFAULT 0, "tax_subj_to_disc_prcnt_of_tot_subj_to" INTEGER NOT NULL DEFAULT 0,
    "discount_rate" INTEGER NOT NULL DEFAULT 0, "discount_amt" INTEGER NOT NULL DEFAULT 0, "taxable_amt" INTEGER NOT NULL DEFAULT 0,
    "non_taxable_amt" INTEGER NOT NULL DEFAULT 0, "sales_tax_amt" INTEGER NOT NULL DEFAULT 0, "weight" INTEGER NOT NULL DEFAULT 0,
    "freight_amt" INTEGER NOT NULL DEFAULT 0, "deposit_amt" INTEGER NOT NULL DEFAULT 0, "commission_rate" INTEGER NOT NULL DEFAULT 0,
    "split_comm_rate2" INTEGER NOT NULL DEFAULT 0, "split_comm_rate3" INTEGER NOT NULL DEFAULT 0,
    "split_comm_rate4" INTEGER NOT NULL DEFAULT 0, "split_comm_rate5" INTEGER NOT NULL DEFAULT 0,
    "number_of_shipping_labels" INTEGER NOT NULL DEFAULT 0, "last_no_of_shipping_labels" INTEGER NOT NULL DEFAULT 0,
    "date_created" TEXT, "time_created" TEXT NOT NULL DEFAULT '', "user_created_key" TEXT NOT NULL DEFAULT '',
    "date_updated" TEXT, "time_updated" TEXT NOT NULL DEFAULT '', "user_updated_key" TEXT NOT NULL DEFAULT '',
    "crm_user_id" TEXT NOT NULL DEFAULT '', "crm_person_id" TEXT NOT NULL DEFAULT '', "crm_opportunity_id" TEXT NOT NULL DEFAULT '',
    "crm_company_id" TEXT NOT NULL DEFAULT '', "crm_prospect_id" TEXT NOT NULL DEFAULT '', "sales_order_printed" TEXT NOT NULL DEFAULT '',
    "picking_sheet_printed" TEXT NOT NULL DEFAULT '', "bill_to_division_no" TEXT NOT NULL DEFAULT '',
    "bill_to_customer_no" TEXT NOT NULL DEFAULT '', "promoted_date" TEXT, "pay_balance" TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, company, key)) STRICT;
CREATE TABLE "sales_orders__lines" (tenant TEXT NOT NULL, company TEXT NOT NULL, key TEXT NOT NULL,
    _ordinal INTEGER NOT NULL, "line_key" TEXT NOT NULL DEFAULT '', "line_seq_no" TEXT NOT NULL DEFAULT '',
    "item_code" TEXT NOT NULL DEFAULT '', "item_type" TEXT NOT NULL DEFAULT '', "item_code_desc" TEXT NOT NULL DEFAULT '',
    "extended_description_key" TEXT NOT NULL DEFAULT '', "discount" TEXT NOT NULL DEFAULT '', "commissionable" TEXT NOT NULL DEFAULT '',
    "subject_to_exemption" TEXT NOT NULL DEFAULT '', "warehouse_code" TEXT NOT NULL DEFAULT '',
    "price_level" TEXT NOT NULL DEFAULT '', "master_order_line_key" TEXT NOT NULL DEFAULT '', "unit_of_measure" TEXT NOT NULL DEFAULT '',
    "drop_ship" TEXT NOT NULL DEFAULT '', "print_drop_shipment" TEXT NOT NULL DEFAULT '', "sales_kit_line_key" TEXT NOT NULL DEFAULT '',
    "cost_of_goods_sold_acct_key" TEXT NOT NULL DEFAULT '', "sales_acct_key" TEXT NOT NULL DEFAULT '',
    "price_overridden" TEXT NOT NULL DEFAULT '', "exploded_kit_item" TEXT NOT NULL DEFAULT '', "standard_kit_bill" TEXT NOT NULL DEFAULT '',
    "revision" TEXT NOT NULL DEFAULT '', "bill_option1" TEXT NOT NULL DEFAULT '', "bill_option2" TEXT NOT NULL DEFAULT '',
    "bill_option3" TEXT NOT NULL DEFAULT '', "bill_option4" TEXT NOT NULL DEFAULT '', "bill_option5" TEXT NOT NULL DEFAULT '',
    "bill_option6" TEXT NOT NULL DEFAULT '', "bill_option7" TEXT NOT NULL DEFAULT '', "bill_option8" TEXT NOT NULL DEFAULT '',
    "bill_option9" TEXT NOT NULL DEFAULT '', "backorder_kit_comp_line" TEXT NOT NULL DEFAULT '',
    "skip_print_comp_line" TEXT NOT NULL DEFAULT '', "promise_date" TEXT, "alias_item_no" TEXT NOT NULL DEFAULT '',
    "so_history_detl_seq_no" TEXT NOT NULL DEFAULT '', "tax_class" TEXT NOT NULL DEFAULT '', "customer_action" TEXT NOT NULL DEFAULT '',
    "item_action" TEXT NOT NULL DEFAULT '', "warranty_code" TEXT NOT NULL DEFAULT '', "expiration_date" TEXT,
    "expiration_overridden" TEXT NOT NULL DEFAULT '', "cost_overridden" TEXT NOT NULL DEFAULT '',
    "cost_code" TEXT NOT NULL DEFAULT '', "cost_type" TEXT NOT NULL DEFAULT '', "comment_text" TEXT NOT NULL DEFAULT '',
    "quantity_ordered" INTEGER NOT NULL DEFAULT 0, "quantity_shipped" INTEGER NOT NULL DEFAULT 0,
    "quantity_backordered" INTEGER NOT NULL DEFAULT 0, "master_original_qty" INTEGER NOT NULL DEFAULT 0,
    "master_qty_balance" INTEGER NOT NULL DEFAULT 0, "master_qty_ordered_to_date" INTEGER NOT NULL DEFAULT 0,
    "repeating_qty_shipped_to_date" INTEGER NOT NULL DEFAULT 0, "unit_price" INTEGER NOT NULL DEFAULT 0,
    "unit_cost" INTEGER NOT NULL DEFAULT 0, "extension_amt" INTEGER NOT NULL DEFAULT 0, "unit_of_measure_conv_factor" INTEGER NOT NULL DEFAULT 0,
    "quantity_per_bill" INTEGER NOT NULL DEFAULT 0, "line_discount_percent" INTEGER NOT NULL DEFAULT 0,
    "line_weight" INTEGER NOT NULL DEFAULT 0, "valuation" TEXT NOT NULL DEFAULT '', "lot_serial_fully_distributed" TEXT NOT NULL DEFAULT '',
    "ap_division_no" TEXT NOT NULL DEFAULT '', "vendor_no" TEXT NOT NULL DEFAULT '', "purchase_order_no" TEXT NOT NULL DEFAULT '',
    "purchase_order_required_date" TEXT, "commodity_code" TEXT NOT NULL DEFAULT '', "alternate_tax_identifier" TEXT NOT NULL DEFAULT '',
    "tax_type_applied" TEXT NOT NULL DEFAULT '', "net_gross_indicator" TEXT NOT NULL DEFAULT '',
    "debit_credit_indicator" TEXT NOT NULL DEFAULT '', "tax_amt" INTEGER NOT NULL DEFAULT 0, "tax_rate" INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, company, key, _ordinal)) STRICT;
CREATE INDEX hub_enrolment_codes_hash ON hub_enrolment_codes (hash);
CREATE INDEX hub_agents_agent ON hub_agents (agent);
CREATE INDEX hub_agent_tokens_hash ON hub_agent_tokens (hash);
CREATE INDEX hub_api_tokens_hash ON hub_api_tokens (hash);
CREATE UNIQUE INDEX hub_imports_number ON hub_imports (tenant, number);
CREATE INDEX hub_imports_state ON hub_imports (tenant, company, state, number);
CREATE INDEX hub_reservations_import ON hub_reservations (tenant, import, number);
CREATE INDEX "items__by__position" ON "items" (tenant, company, "_position");
CREATE INDEX "items__by_item_type" ON "items" (tenant, company, "item_type");
CREATE INDEX "items__by_price_code" ON "items" (tenant, company, "price_code");
CREATE INDEX "items__by_product_line" ON "items" (tenant, company, "product_line");
CREATE INDEX "items__by_inactive_item" ON "items" (tenant, company, "inactive_item");
CREATE INDEX "sales_orders__by__position" ON "sales_orders" (tenant, company, "_position");
CREATE INDEX "sales_orders__by_order_date" ON "sales_orders" (tenant, company, "order_date");
CREATE INDEX "sales_orders__by_order_status" ON "sales_orders" (tenant, company, "order_status");
CREATE INDEX "sales_orders__by_customer_no" ON "sales_orders" (tenant, company, "customer_no");
CREATE INDEX "sales_orders__by_customer_po_no" ON "sales_orders" (tenant, company, "customer_po_no");
INSERT INTO hub_store VALUES ('old-store', 1700000000000000);
INSERT INTO hub_tenants VALUES ('t_old', 'old', 3, 1700000000000000);
INSERT INTO hub_agents VALUES ('t_old', 'a_old', 'driver', '00', 'SAGE01', '0.9.0', 1700000000000000, 1700000000000000, NULL);
INSERT INTO hub_companies VALUES ('t_old', 'ABC', 'a_old', 'America/New_York', 1, 'j1', 1700000000000000);
INSERT INTO hub_streams VALUES ('t_old', 'ABC', 'items', 1, 1, 5, 0, 7, 1700000000000000);
INSERT INTO hub_streams VALUES ('t_old', 'ABC', 'sales_orders', 1, 1, 6, 0, 8, 1700000000000000);
INSERT INTO items (tenant, company, key, _hash, _position, updated_at, item_code) VALUES ('t_old', 'ABC', 'A', 11, 1, 1700000000000000, 'A');
INSERT INTO items (tenant, company, key, _hash, _position, updated_at, item_code) VALUES ('t_old', 'ABC', 'B', 12, 2, 1700000000000000, 'B');
INSERT INTO sales_orders (tenant, company, key, _hash, _position, updated_at, sales_order_no) VALUES ('t_old', 'ABC', '1', 13, 3, 1700000000000000, '1');
INSERT INTO sales_orders__lines (tenant, company, key, _ordinal, line_key) VALUES ('t_old', 'ABC', '1', 0, '000001');
PRAGMA application_id = 1163022408;
PRAGMA user_version = 1;

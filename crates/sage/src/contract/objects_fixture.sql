INSERT INTO AR_TermsCode (TermsCode, TermsCodeDesc, DaysBeforeDue) VALUES ('01', 'Net 30', '30');
INSERT INTO SY_SalesTaxScheduleDetail (TaxSchedule, SequenceNo, TaxCode) VALUES ('WI', '000001', 'WI');
INSERT INTO SY_SalesTaxCodeDetail (TaxCode, TaxClass, TaxRate) VALUES ('WI', 'TX', '1.500000');
INSERT INTO AR_Customer (ARDivisionNo, CustomerNo, CustomerName, AddressLine1, City, State, ZipCode, CountryCode,
    ShipMethod, TaxSchedule, TermsCode, SalespersonDivisionNo, SalespersonNo, PriceLevel, PrimaryShipToCode,
    CustomerDiscountRate, CustomerStatus) VALUES
 ('01', 'ABF', 'American Business Futures', '2131 N. 14th Street', 'Milwaukee', 'WI', '53205-1204', 'USA',
    'UPS BLUE', 'WI', '01', '01', '0100', 'B', '2', '10.000', 'A'),
 ('01', 'PLAIN', 'Plain Goods', '1 Main Street', 'Racine', 'WI', '53402', 'USA',
    '', '', '01', '', '', '', '', '0', 'A'),
 ('01', 'OLD', 'Gone Long Ago', '', '', '', '', '', '', '', '01', '', '', '', '', '0', 'I');
INSERT INTO SO_ShipToAddress (ARDivisionNo, CustomerNo, ShipToCode, ShipToName, ShipToAddress1, ShipToCity,
    ShipToState, ShipToZipCode, ShipToCountryCode, ShipVia, WarehouseCode) VALUES
 ('01', 'ABF', '2', 'Racine Warehouse', '5411 Kendrick Dr', 'Racine', 'WI', '53402', 'USA', 'TRUCK', '001'),
 ('01', 'ABF', '3', 'Madison Office', '12 State St', 'Madison', 'WI', '53703', 'USA', '', '');
INSERT INTO IM_Warehouse (WarehouseCode, WarehouseDesc) VALUES ('000', 'CENTRAL'), ('001', 'EAST');
INSERT INTO CI_Item (ItemCode, ItemType, ItemCodeDesc, TaxClass, PriceCode, SalesUnitOfMeasure,
    StandardUnitOfMeasure, SalesUMConvFctr, StandardUnitCost, StandardUnitPrice, Valuation, InactiveItem) VALUES
 ('1001-HON-H252', '1', 'HON 2 DRAWER LETTER FLE W/O LK', 'TX', 'STD', 'EACH', 'EACH', '1', '50.400000', '84.000000', '1', 'N'),
 ('1001-HON-H254', '1', 'HON 4 DRAWER LETTER FLE W/O LK', 'NT', 'STD', 'EACH', 'EACH', '1', '80.000000', '131.000000', '1', 'N'),
 ('GONE', '1', 'NO LONGER SOLD', 'TX', '', 'EACH', 'EACH', '1', '1.000000', '2.000000', '1', 'Y'),
 ('/C', '4', 'COMMENT', 'NT', '', '', '', '0', '0', '0', '', 'N');
INSERT INTO IM_ItemWarehouse (ItemCode, WarehouseCode, QuantityOnHand) VALUES
 ('1001-HON-H252', '000', '50.000000'), ('1001-HON-H252', '001', '50.000000'), ('1001-HON-H254', '001', '20.000000');
INSERT INTO IM_PriceCode (PriceCodeRecord, PriceCode, ItemCode, CustomerPriceLevel, ARDivisionNo, CustomerNo,
    PricingMethod, BreakQuantity1, BreakQuantity2, DiscountMarkup1, DiscountMarkup2) VALUES
 ('2', '', '1001-HON-H252', '', '01', 'ABF', 'O', '9', '99999999', '79.500000', '75.000000'),
 ('0', 'STD', '', 'B', '', '', 'D', '99999999', '0', '10.000000', '0'),
 ('0', 'STD', '', '', '', '', 'D', '99999999', '0', '1.000000', '0');
INSERT INTO SO_SalesOrderHeader (SalesOrderNo, OrderDate, OrderType, OrderStatus, ShipExpireDate, ARDivisionNo,
    CustomerNo, BillToName, CustomerPONo, WarehouseCode, TermsCode, NonTaxableAmt) VALUES
 ('0000184', '2026-04-01', 'S', 'N', '2026-04-10', '01', 'ABF', 'American Business Futures', '101255', '000', '01', '131.00');
INSERT INTO SO_SalesOrderDetail (SalesOrderNo, LineKey, LineSeqNo, ItemCode, ItemType, ItemCodeDesc, WarehouseCode,
    UnitOfMeasure, UnitOfMeasureConvFactor, TaxClass, QuantityOrdered, UnitPrice, ExtensionAmt) VALUES
 ('0000184', '000001', '00000000000001', '1001-HON-H254', '1', 'HON 4 DRAWER LETTER FLE W/O LK', '001',
    'EACH', '1', 'NT', '1.000000', '131.000000', '131.00');

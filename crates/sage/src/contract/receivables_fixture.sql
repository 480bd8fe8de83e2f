INSERT INTO AR_TermsCode (TermsCode, TermsCodeDesc, DaysBeforeDue) VALUES ('01', 'Net 30', '30'), ('02', '2% 10, Net 30', '30');
INSERT INTO AR_Division (ARDivisionNo, ARDivisionDesc) VALUES ('01', 'East'), ('02', 'West');
INSERT INTO AR_Salesperson (SalespersonDivisionNo, SalespersonNo, SalespersonName) VALUES
 ('01', '0100', 'Jim Kentley'), ('02', '0200', 'Ann Bergh');
INSERT INTO AR_PaymentType (PaymentType, PaymentDesc, PaymentMethod) VALUES ('CHECK', 'Check', 'C'), ('CARD', 'Card on the web', 'O');
INSERT INTO SY_SalesTaxSchedule (TaxSchedule, TaxScheduleDesc) VALUES ('WI', 'Wisconsin');
INSERT INTO IM_Warehouse (WarehouseCode, WarehouseDesc) VALUES ('000', 'CENTRAL'), ('001', 'EAST');
INSERT INTO GL_Bank (BankCode, BankName) VALUES ('A', 'First Bank of Milwaukee');
INSERT INTO GL_Account (AccountKey, Account, AccountDesc) VALUES ('00000000D', '250-01-00', 'Customer deposits');
INSERT INTO AR_Customer (ARDivisionNo, CustomerNo, CustomerName, City, State, ZipCode, ShipMethod, TaxSchedule, TermsCode,
    SalespersonDivisionNo, SalespersonNo, CustomerStatus, CurrentBalance) VALUES
 ('01', 'ABF', 'American Business Futures', 'Milwaukee', 'WI', '53205-1204', '', 'WI', '02', '01', '0100', 'A', '550.00'),
 ('01', 'PLAIN', 'Plain Goods', 'Racine', 'WI', '53402', '', '', '01', '', '', 'A', '80.00');
INSERT INTO AR_OpenInvoice (ARDivisionNo, CustomerNo, InvoiceNo, InvoiceType, InvoiceDate, InvoiceDueDate,
    InvoiceDiscountDate, InvoiceHistoryHeaderSeqNo, Balance) VALUES
 ('01', 'ABF', '0000501', 'IN', '2026-05-01', '2026-05-31', '2026-05-11', '000000', '400.00'),
 ('01', 'ABF', '0000502', 'IN', '2026-04-01', '2026-05-01', '2026-04-11', '000000', '200.00'),
 ('01', 'ABF', '0000503', 'CM', '2026-05-02', '2026-05-02', '', '000000', '-50.00'),
 ('01', 'PLAIN', '0000504', 'IN', '2026-05-02', '2026-06-01', '', '000000', '80.00');

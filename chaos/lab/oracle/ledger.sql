alter session set container = FREEPDB1;
create table shop.bookings (order_id number primary key, cents number not null, booked_at timestamp with time zone not null);
exit;
